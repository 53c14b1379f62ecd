/** The folder of the compiled server and the playground, which global-setup.mjs has built. */
export const BUILD = process.env['TEST_BUILD']!;

/** Returns the path from which a guest came to sign in, which is where the user continues. */
export function readOrigin(): string {
  const { from } = (history.state ?? {}) as { from?: unknown };
  return typeof from === 'string' && /^\/[\w/-]*$/.test(from) ? from : '/';
}

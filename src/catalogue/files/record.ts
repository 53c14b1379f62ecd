/** A record of a file: an object in the form of ProductInput, or the reason why it has none. */
export type FileRecord = { line: number } & ({ input: unknown } | { mistake: string });

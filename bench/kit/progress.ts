/** Shows what is being measured in one line of stderr, which the next call overwrites. */
export function showProgress(text: string): void {
  process.stderr.write(`\r${text.padEnd(60)}`);
}

/**
 * Writes a message of code that has no log, such as a migration, to standard error: in production as a line of JSON like
 * those of the log.
 */
export function printNotice(message: string): void {
  const isProduction = process.env['NODE_ENV'] === 'production';
  console.error(isProduction ? JSON.stringify({ level: 30, time: Date.now(), msg: message }) : message);
}

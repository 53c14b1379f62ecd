import { validateHeaderName, validateHeaderValue } from 'node:http';

/** Whether this can be sent as a header. */
export function isHeader(name: string, value: unknown): value is string {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value as string);
    return typeof value === 'string';
  } catch {
    return false;
  }
}

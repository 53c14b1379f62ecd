/** Shorter values may occur in data by chance. */
const MIN_LENGTH = 6;

/** Replaces secrets in a value that can be written as JSON. */
export type Redact = <T>(value: T) => T;

/** Creates a function that removes the secrets of TOOLS_FILE from what a tool returns: it may repeat its request. */
export function createRedact(secrets: readonly string[]): Redact {
  // A text in the value may be JSON, too.
  const escaped = secrets
    .filter(({ length }) => length >= MIN_LENGTH)
    .flatMap((secret) => [escape(escape(secret)), escape(secret)]);
  return <T>(value: T): T => {
    const json = JSON.stringify(value);
    if (!escaped.some((secret) => json?.includes(secret))) return value;
    return JSON.parse(escaped.reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), json)) as T;
  };
}

const escape = (text: string): string => JSON.stringify(text).slice(1, -1);

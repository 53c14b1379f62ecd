import { readFileSync } from 'node:fs';

/** Settings that may contain a secret. Each can be read from a file: NAME_FILE=PATH instead of NAME=VALUE. */
export const SECRETS = [
  'DATABASE_URL',
  'REDIS_URL',
  'JWT_SECRET',
  'JWT_PREVIOUS_SECRETS',
  'OPENAI_API_KEY',
  'OPENAI_EXTRA_HEADERS',
  'OPENAI_FALLBACK_API_KEY',
  'METRICS_TOKEN',
  'SMTP_URL',
] as const;

/**
 * Reads the files of the `NAME_FILE` settings, as Docker and Kubernetes mount secrets. Returns the environment with their
 * contents, without surrounding white space, and the mistakes found.
 */
export function readSecretFiles(given: Record<string, string>): {
  environment: Record<string, string>;
  mistakes: string[];
} {
  const environment = { ...given };
  const mistakes: string[] = [];
  for (const name of SECRETS) {
    const path = given[`${name}_FILE`];
    if (path === undefined) continue;
    const content = read(path);
    if (given[name] !== undefined) mistakes.push(`${name}_FILE: ${name} is set too; use only one of them`);
    else if (content === null)
      mistakes.push(`${name}_FILE: cannot read the file "${path}"; check its path and permissions`);
    else if (content === '') mistakes.push(`${name}_FILE: the file "${path}" is empty; write the secret to it`);
    else environment[name] = content;
  }
  return { environment, mistakes };
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}

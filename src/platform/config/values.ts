import { z } from 'zod';

const QUOTES = `"'\`“”„‘’`;
const ENCLOSED = new RegExp(`^[${QUOTES}].*[${QUOTES}]$`, 's');
const HALF_ENCLOSED = new RegExp(`^[${QUOTES}]|[${QUOTES}]$`);

/** Random secrets may begin or end with a quotation mark. */
const RANDOM = /^JWT_/;

/**
 * Finds white space and quotation marks around a value. Editors, copying and Docker's --env-file leave them there.
 * @returns the value without them, and the mistake
 */
export function findStrayCharacters(name: string, value: string): { value: string; mistake: string | null } {
  const trimmed = value.trim();
  if (ENCLOSED.test(trimmed) || (HALF_ENCLOSED.test(trimmed) && !RANDOM.test(name)))
    return { value: trim(trimmed), mistake: `${name}: begins or ends with a quotation mark; remove it` };
  if (trimmed !== value) return { value: trimmed, mistake: `${name}: begins or ends with white space; remove it` };
  return { value, mistake: null };
}

const trim = (value: string): string => value.replace(new RegExp(`^[${QUOTES}\\s]+|[${QUOTES}\\s]+$`, 'g'), '');

/** Texts of documentation that stand for a key. Self-hosted servers accept any key, such as `ollama` or `none`. */
const PLACEHOLDER = /^(<.*>|\$.*|%.*%|(sk-)?(your|insert|paste|enter|replace|change)[-_ ]?.*|(sk-)?[xX*]{3,})$/i;

/** A key, as it is sent in a header. The messages do not quote it. */
export const apiKey = z.string().superRefine((text, context) => {
  const problem = /…|\.\.\./.test(text)
    ? 'contains an ellipsis'
    : /\s/.test(text)
      ? 'contains white space'
      : new RegExp(`[${QUOTES}]`).test(text)
        ? 'contains a quotation mark'
        : !/^[\x21-\x7e]+$/.test(text)
          ? 'contains characters that no key has'
          : PLACEHOLDER.test(text)
            ? 'is a placeholder'
            : null;
  if (problem) context.addIssue({ code: 'custom', message: `${problem}; copy the whole key from your provider` });
});

/** Paths of single endpoints, which are often copied together with the base URL. */
const ENDPOINT = /\/(chat\/completions|completions|responses|embeddings|models)\/*$/i;

/** The base URL of a provider. The messages do not quote it, because it may contain a key. */
export const baseUrl = z.string().superRefine((text, context) => {
  const url = URL.parse(text);
  const endpoint = url && ENDPOINT.exec(url.pathname)?.[1];
  const message =
    !url || !/^https?:$/.test(url.protocol) || /\s/.test(text)
      ? 'invalid URL; use one that starts with http:// or https://'
      : url.username || url.password
        ? 'contains credentials; remove them, and set the API key instead'
        : url.search || url.hash
          ? 'contains a query or a fragment; remove it'
          : endpoint
            ? `ends with /${endpoint}; remove that, as Parley appends it`
            : null;
  if (message) context.addIssue({ code: 'custom', message });
});

export const isHttpUrl = (text: string): boolean => /^https?:$/.test(URL.parse(text)?.protocol ?? '');

export const httpUrl = z.string().refine(isHttpUrl, {
  error: 'invalid URL; use one that starts with http:// or https://',
});

/** The base URL of an OpenTelemetry collector. */
export const collectorUrl = z.string().refine(isHttpUrl, {
  error: 'invalid URL; use the base URL of the collector, such as http://localhost:4318',
});

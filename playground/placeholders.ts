/** Values in the variables that are replaced when a tab is run. */
export const A_NEW_EMAIL = 'a new email';
export const YOUR_EMAIL = 'your email';
export const YOUR_REFRESH_TOKEN = 'your refresh token';
export const LAST_ANSWER = 'the last answer';
export const LAST_CONVERSATION = 'the last conversation';

/** The comment that explains each placeholder above the variables. */
export const MEANINGS: Record<string, string> = {
  [A_NEW_EMAIL]: `"${A_NEW_EMAIL}" is replaced by an address without an account.`,
  [YOUR_EMAIL]: `"${YOUR_EMAIL}" is replaced by the address of your account.`,
  [YOUR_REFRESH_TOKEN]: `"${YOUR_REFRESH_TOKEN}" is replaced by your newest one.`,
  [LAST_ANSWER]: `"${LAST_ANSWER}" is replaced by its id.`,
  [LAST_CONVERSATION]: `"${LAST_CONVERSATION}" is replaced by its id.`,
};

/** Replaces the placeholders in the variables. Calls `find` once for each placeholder that occurs. */
export async function replacePlaceholders(
  variables: unknown,
  find: (placeholder: string) => string | Promise<string>,
): Promise<Record<string, unknown>> {
  const text = JSON.stringify(variables ?? {});
  const found = new Map<unknown, string>();
  for (const placeholder of Object.keys(MEANINGS)) {
    if (text.includes(JSON.stringify(placeholder))) found.set(placeholder, await find(placeholder));
  }
  return JSON.parse(text, (_key, value: unknown) => found.get(value) ?? value) as Record<string, unknown>;
}

/** Copies a text. @throws Error if the browser refuses */
export async function copyText(text: string): Promise<void> {
  if ('clipboard' in navigator) await navigator.clipboard.writeText(text);
  else copyBySelection(text);
}

/** Pages without TLS have no Clipboard API. */
function copyBySelection(text: string): void {
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement : null;
  const field = document.createElement('textarea');
  field.className = 'visually-hidden';
  field.value = text;
  // Everything outside an open dialog is inert.
  (focused?.closest('dialog') ?? document.body).append(field);
  field.select();
  const isCopied = document.execCommand('copy');
  field.remove();
  focused?.focus();
  if (!isCopied) throw new Error('The browser has not copied the text.');
}

import { ParleyError } from '@parley/client';
import { useText } from '../i18n/language.js';
import { ErrorText } from '../ui/error-text.js';
import { Notice } from '../ui/notice.js';

/** Describes why a link of a mail has failed. */
export function LinkError({ error }: { error: unknown }) {
  const t = useText();
  if (ParleyError.from(error).code === 'LINK_INVALID') return <Notice kind="warn">{t.linkInvalid}</Notice>;
  return <ErrorText error={error} />;
}

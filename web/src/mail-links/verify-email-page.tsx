import { VerifyEmailDocument } from '@parley/client';
import { useSession } from '@parley/client/react';
import { Link } from 'wouter';
import { useText } from '../i18n/language.js';
import { Entrance } from '../sign-in/entrance.js';
import { Notice } from '../ui/notice.js';
import { useForm } from '../ui/use-form.js';
import { LinkError } from './link-error.js';
import { useLinkToken } from './use-link-token.js';

/** Verifies an email. It waits for a click, because mail scanners open links. */
export default function VerifyEmailPage() {
  const t = useText();
  const token = useLinkToken();
  return (
    <Entrance title={t.verifyEmailTitle}>
      {token ? <VerifyEmailForm key={token} token={token} /> : <Notice kind="warn">{t.linkInvalid}</Notice>}
      <p className="entrance-other">
        <Link href="/">{t.goHome}</Link>
      </p>
    </Entrance>
  );
}

function VerifyEmailForm({ token }: { token: string }) {
  const t = useText();
  const { session } = useSession();
  const form = useForm({}, async () => {
    const { verifyEmail } = await session.request(VerifyEmailDocument, { input: { token } });
    await session.setUser(verifyEmail);
  });
  if (form.isSent) return <Notice kind="good">{t.emailVerified}</Notice>;
  return (
    <form onSubmit={form.submit}>
      {form.error !== undefined && <LinkError error={form.error} />}
      <button type="submit" className="button primary" disabled={form.isSending}>
        {form.isSending && <span className="spinner" />}
        {t.verifyEmail}
      </button>
    </form>
  );
}

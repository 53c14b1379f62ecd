import { ResetPasswordDocument } from '@parley/client';
import { useSession } from '@parley/client/react';
import { Link, useLocation } from 'wouter';
import { useText } from '../i18n/language.js';
import { Entrance } from '../sign-in/entrance.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { useForm } from '../ui/use-form.js';
import { LinkError } from './link-error.js';
import { useLinkToken } from './use-link-token.js';

/** Asks for a new password, and signs in. */
export default function ResetPasswordPage() {
  const t = useText();
  const token = useLinkToken();
  return (
    <Entrance title={t.resetPasswordTitle}>
      {token ? <ResetPasswordForm key={token} token={token} /> : <Notice kind="warn">{t.linkInvalid}</Notice>}
      <p className="entrance-other">
        <Link href="/forgot-password">{t.requestNewLink}</Link>
      </p>
    </Entrance>
  );
}

function ResetPasswordForm({ token }: { token: string }) {
  const t = useText();
  const { session } = useSession();
  const [, navigate] = useLocation();
  const form = useForm({ newPassword: '' }, async ({ newPassword }) => {
    const { resetPassword } = await session.request(ResetPasswordDocument, { input: { token, newPassword } });
    const { email } = resetPassword.user;
    // Signing in takes the conversations of a guest along.
    if (session.user?.role === 'GUEST' && email) await session.signIn({ email, password: newPassword });
    else await session.adopt(resetPassword);
    navigate('/', { replace: true });
  });
  return (
    <form noValidate onSubmit={form.submit}>
      <Field
        {...form.bind('newPassword')}
        label={t.newPassword}
        type="password"
        autoComplete="new-password"
        hint={t.passwordHint}
      />
      {form.error !== undefined && <LinkError error={form.error} />}
      <button type="submit" className="button primary" disabled={form.isSending}>
        {form.isSending && <span className="spinner" />}
        {t.setPassword}
      </button>
    </form>
  );
}

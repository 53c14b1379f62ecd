import { RequestPasswordResetDocument } from '@parley/client';
import { useSession } from '@parley/client/react';
import { Link } from 'wouter';
import { useText } from '../i18n/language.js';
import { Entrance } from '../sign-in/entrance.js';
import { ErrorText } from '../ui/error-text.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { useForm } from '../ui/use-form.js';

/** Requests a link for a new password. The page is the same whether there is an account or not. */
export default function ForgotPasswordPage() {
  const t = useText();
  const { session } = useSession();
  const form = useForm({ email: '' }, ({ email }) => session.request(RequestPasswordResetDocument, { email }));
  return (
    <Entrance title={t.forgotPasswordTitle}>
      <form noValidate onSubmit={form.submit}>
        <Field {...form.bind('email')} label={t.email} type="email" autoComplete="username" inputMode="email" />
        {form.isSent && <Notice kind="good">{t.resetLinkSent}</Notice>}
        {form.error !== undefined && <ErrorText error={form.error} />}
        <button type="submit" className="button primary" disabled={form.isSending}>
          {form.isSending && <span className="spinner" />}
          {t.sendLink}
        </button>
      </form>
      <p className="entrance-other">
        <Link href="/sign-in">{t.backToSignIn}</Link>
      </p>
    </Entrance>
  );
}

import { ChangePasswordDocument } from '@parley/client';
import { useSession } from '@parley/client/react';
import { useText } from '../i18n/language.js';
import { ErrorText } from '../ui/error-text.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { useForm } from '../ui/use-form.js';

/** Changes the password. */
export function PasswordForm({ email }: { email: string }) {
  const t = useText();
  const { session } = useSession();
  const change = async (input: { currentPassword: string; newPassword: string }) => {
    const { changePassword } = await session.request(ChangePasswordDocument, { input });
    await session.adopt(changePassword);
  };
  const form = useForm({ currentPassword: '', newPassword: '' }, change, { isClearedAfter: true });
  return (
    <form noValidate onSubmit={form.submit}>
      {/* For password managers. */}
      <input type="hidden" name="username" autoComplete="username" value={email} readOnly />
      <Field
        {...form.bind('currentPassword')}
        label={t.currentPassword}
        type="password"
        autoComplete="current-password"
      />
      <Field
        {...form.bind('newPassword')}
        label={t.newPassword}
        type="password"
        autoComplete="new-password"
        hint={t.passwordHint}
      />
      {form.isSent && <Notice kind="good">{t.passwordChanged}</Notice>}
      {form.error !== undefined && <ErrorText error={form.error} />}
      <button type="submit" className="button" disabled={form.isSending}>
        {t.changePassword}
      </button>
    </form>
  );
}

import { UpdateProfileDocument, type AccountFragment } from '@parley/client';
import { useSession } from '@parley/client/react';
import { useText } from '../i18n/language.js';
import { ErrorText } from '../ui/error-text.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { useForm } from '../ui/use-form.js';

/** The name and the phone number. */
export function ProfileForm({ user }: { user: AccountFragment }) {
  const t = useText();
  const { session } = useSession();
  const initial = { name: user.name ?? '', phone: user.phone ?? '' };
  const form = useForm(initial, async ({ name, phone }) => {
    const input = { name: name.trim() || null, phone: phone.trim() || null };
    const { updateProfile } = await session.request(UpdateProfileDocument, { input });
    await session.setUser(updateProfile);
  });
  return (
    <form noValidate onSubmit={form.submit}>
      <Field {...form.bind('name')} label={t.name} autoComplete="name" />
      <Field {...form.bind('phone')} label={t.phone} type="tel" autoComplete="tel" hint={t.phoneHint} />
      {form.isSent && <Notice kind="good">{t.saved}</Notice>}
      {form.error !== undefined && <ErrorText error={form.error} />}
      <button type="submit" className="button" disabled={form.isSending}>
        {t.save}
      </button>
    </form>
  );
}

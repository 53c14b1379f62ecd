import { useSession } from '@parley/client/react';
import { useText } from '../i18n/language.js';
import { Page, Section } from '../ui/page.js';
import { useFormat } from '../ui/use-format.js';
import { ActivitySection } from './activity.js';
import { DataSection } from './data-section.js';
import { PasswordForm } from './password-form.js';
import { ProfileForm } from './profile-form.js';
import { SessionsSection } from './sessions.js';

/** The account of the user: what is stored about it, and who is signed in to it. */
export default function AccountPage() {
  const t = useText();
  const format = useFormat();
  const { user } = useSession();
  if (!user) return null;
  if (user.role === 'GUEST')
    return (
      <Page title={t.guest} text={t.guestText}>
        <DataSection />
      </Page>
    );
  return (
    <Page title={t.account} text={`${user.email ?? ''} · ${t.memberSince(format.date(user.createdAt))}`}>
      <Section title={t.profile}>
        <ProfileForm user={user} />
      </Section>
      <Section title={t.changePassword} text={t.changePasswordText}>
        <PasswordForm email={user.email ?? ''} />
      </Section>
      <SessionsSection />
      <ActivitySection />
      <DataSection />
    </Page>
  );
}

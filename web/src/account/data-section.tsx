import { useState } from 'react';
import { DeleteAccountDocument, RequestDataExportDocument } from '@parley/client';
import { useSession } from '@parley/client/react';
import { useText } from '../i18n/language.js';
import { serverFacts } from '../shell/server-facts.js';
import { CommandButton } from '../ui/command-button.js';
import { Dialog } from '../ui/dialog.js';
import { ErrorText } from '../ui/error-text.js';
import { Field } from '../ui/field.js';
import { Icon } from '../ui/icon.js';
import { Section } from '../ui/page.js';
import { useForm } from '../ui/use-form.js';

/** Everything that is stored: to take it along, or to delete it. */
export function DataSection() {
  const t = useText();
  const { session } = useSession();
  const [isDeleting, setDeleting] = useState(false);
  const download = async () => {
    const { requestDataExport } = await session.request(RequestDataExportDocument, {});
    // The link works once, and the response is a download, so the page stays.
    location.assign(new URL(requestDataExport.url).pathname);
  };
  return (
    <Section title={t.yourData} text={t.exportText}>
      <CommandButton className="button" icon="down" run={download}>
        {t.export}
      </CommandButton>
      <button type="button" className="button danger" onClick={() => setDeleting(true)}>
        <Icon name="trash" />
        {t.deleteAccount}
      </button>
      {isDeleting && <DeleteAccountDialog onClose={() => setDeleting(false)} />}
    </Section>
  );
}

function DeleteAccountDialog({ onClose }: { onClose: () => void }) {
  const t = useText();
  const { session, user } = useSession();
  const form = useForm({ password: '' }, async ({ password }) => {
    await session.request(DeleteAccountDocument, { input: { password: password || null } });
    await session.signOut();
  });
  return (
    <Dialog title={t.deleteAccount} onClose={onClose}>
      <form noValidate onSubmit={form.submit}>
        <p>{t.deleteAccountText}</p>
        {user?.role !== 'GUEST' && (
          <Field
            {...form.bind('password')}
            label={t.password}
            type="password"
            hint={serverFacts.identity ? t.noPasswordHint : undefined}
            autoComplete="current-password"
            autoFocus
          />
        )}
        {form.error !== undefined && <ErrorText error={form.error} />}
        <div className="actions">
          <button type="button" className="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button type="submit" className="button danger" disabled={form.isSending}>
            {t.deleteAccount}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

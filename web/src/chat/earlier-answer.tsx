import { useEffect, useState } from 'react';
import { MessageDocument } from '@parley/client';
import { useSession } from '@parley/client/react';
import { useText } from '../i18n/language.js';
import { Dialog } from '../ui/dialog.js';
import { ErrorText } from '../ui/error-text.js';
import { Markdown } from './markdown.js';

/** The answer that another one has replaced. */
export default function EarlierAnswer({ id, onClose }: { id: string; onClose: () => void }) {
  const t = useText();
  const { session } = useSession();
  const [text, setText] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(undefined);
  useEffect(() => {
    session.request(MessageDocument, { id }).then(({ message }) => setText(message?.content ?? ''), setError);
  }, [id, session]);
  return (
    <Dialog title={t.earlierAnswerTitle} onClose={onClose}>
      <div className="dialog-body">
        {error !== undefined ? (
          <ErrorText error={error} />
        ) : text === null ? (
          <p role="status">{t.loading}</p>
        ) : (
          <Markdown text={text} isGrowing={false} />
        )}
        <div className="actions">
          <button type="button" className="button" onClick={onClose}>
            {t.close}
          </button>
        </div>
      </div>
    </Dialog>
  );
}

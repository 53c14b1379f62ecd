import { MessageDocument } from '@parley/client';
import { useSession } from '@parley/client/react';
import { useState } from 'react';
import { useText } from '../i18n/language.js';
import { Dialog } from '../ui/dialog.js';
import { ErrorText } from '../ui/error-text.js';
import { useQuery } from '../ui/use-query.js';
import { Markdown } from './markdown.js';

/** The answer that another one has replaced, and those before it. */
export default function EarlierAnswer({ id, onClose }: { id: string; onClose: () => void }) {
  const t = useText();
  const { session } = useSession();
  const [shownId, setShownId] = useState(id);
  const { data, error } = useQuery(
    shownId,
    async () => (await session.request(MessageDocument, { id: shownId })).message,
  );
  const earlierId = data?.replaces?.id;
  return (
    <Dialog title={t.earlierAnswerTitle} onClose={onClose}>
      <div className="dialog-body">
        {error !== undefined ? (
          <ErrorText error={error} />
        ) : data ? (
          <Markdown key={data.id} text={data.content} isGrowing={false} products={data.products} />
        ) : (
          <p role="status">{t.loading}</p>
        )}
        <div className="actions">
          {earlierId && (
            <button type="button" className="button" onClick={() => setShownId(earlierId)}>
              {t.showEarlier}
            </button>
          )}
          <button type="button" className="button" onClick={onClose}>
            {t.close}
          </button>
        </div>
      </div>
    </Dialog>
  );
}

import type { ConversationListItem, ConversationStore } from '@parley/client';
import { useChat } from '@parley/client/react';
import * as Menu from '@radix-ui/react-dropdown-menu';
import { use, useState, type SubmitEvent } from 'react';
import { Link, useLocation } from 'wouter';
import { useText } from '../i18n/language.js';
import { CommandButton } from '../ui/command-button.js';
import { Dialog } from '../ui/dialog.js';
import { ErrorText } from '../ui/error-text.js';
import { Field } from '../ui/field.js';
import { Icon } from '../ui/icon.js';
import { SideContext } from './side.js';

interface ConversationItemProps {
  conversation: ConversationListItem;
  isCurrent: boolean;
}

/** A row of the list, with a menu. */
export function ConversationItem({ conversation, isCurrent }: ConversationItemProps) {
  const t = useText();
  const side = use(SideContext);
  const [dialog, setDialog] = useState<'rename' | 'delete' | null>(null);
  const { id, title, lastMessage } = conversation;
  const close = () => setDialog(null);
  return (
    <div role="listitem" className={isCurrent ? 'conversation current' : 'conversation'}>
      <Link href={`/c/${id}`} aria-current={isCurrent ? 'page' : undefined}>
        <span className="conversation-title">{title}</span>
        <span className="conversation-excerpt">
          {lastMessage?.status === 'STREAMING' ? t.answering : (lastMessage?.excerpt ?? '')}
        </span>
      </Link>
      <Menu.Root modal={false}>
        <Menu.Trigger className="icon-button" aria-label={t.moreAbout(title)}>
          <Icon name="more" />
        </Menu.Trigger>
        <Menu.Portal container={side}>
          <Menu.Content className="menu" align="end" sideOffset={4} collisionPadding={8}>
            <Menu.Item className="menu-item" onSelect={() => setDialog('rename')}>
              <Icon name="edit" />
              {t.rename}
            </Menu.Item>
            <Menu.Item className="menu-item danger" onSelect={() => setDialog('delete')}>
              <Icon name="trash" />
              {t.delete}
            </Menu.Item>
          </Menu.Content>
        </Menu.Portal>
      </Menu.Root>
      {dialog === 'rename' && <RenameDialog conversation={conversation} onClose={close} />}
      {dialog === 'delete' && <DeleteDialog conversation={conversation} isCurrent={isCurrent} onClose={close} />}
    </div>
  );
}

/** Throws the error of an action, so that the dialog shows it instead of the conversation. */
async function attempt(store: ConversationStore, act: (store: ConversationStore) => Promise<void>): Promise<void> {
  await act(store);
  const { error } = store.getSnapshot();
  if (!error) return;
  store.dismissError();
  throw error;
}

/** The limit of the server. */
const MAX_TITLE_LENGTH = 120;

function RenameDialog({ conversation, onClose }: { conversation: ConversationListItem; onClose: () => void }) {
  const t = useText();
  const chat = useChat();
  const [title, setTitle] = useState(conversation.title);
  const [error, setError] = useState<unknown>(undefined);
  const rename = async (event: SubmitEvent) => {
    event.preventDefault();
    try {
      await attempt(chat.conversation(conversation.id), (store) => store.rename(title.trim()));
      onClose();
    } catch (failure) {
      setError(failure);
    }
  };
  return (
    <Dialog title={t.renameTitle} onClose={onClose}>
      <form onSubmit={(event) => void rename(event)}>
        <Field
          label={t.title}
          value={title}
          maxLength={MAX_TITLE_LENGTH}
          required
          autoFocus
          onChange={(event) => setTitle(event.target.value)}
        />
        {error !== undefined && <ErrorText error={error} />}
        <div className="actions">
          <button type="button" className="button" onClick={onClose}>
            {t.cancel}
          </button>
          <button type="submit" className="button primary" disabled={title.trim() === ''}>
            {t.save}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function DeleteDialog({
  conversation: { id, title },
  isCurrent,
  onClose,
}: ConversationItemProps & { onClose: () => void }) {
  const t = useText();
  const chat = useChat();
  const [, navigate] = useLocation();
  const remove = async () => {
    await attempt(chat.conversation(id), (store) => store.remove());
    onClose();
    if (isCurrent) navigate('/');
  };
  return (
    <Dialog title={t.deleteTitle} onClose={onClose}>
      <div className="dialog-body">
        <p>{t.deleteText(title)}</p>
        <div className="actions">
          <button type="button" className="button" onClick={onClose}>
            {t.cancel}
          </button>
          <CommandButton className="button danger" icon="trash" run={remove}>
            {t.delete}
          </CommandButton>
        </div>
      </div>
    </Dialog>
  );
}

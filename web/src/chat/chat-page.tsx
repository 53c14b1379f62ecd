import { useConversation } from '@parley/client/react';
import { useCallback, useEffect, useRef } from 'react';
import { useLocation } from 'wouter';
import { useText } from '../i18n/language.js';
import { ErrorText } from '../ui/error-text.js';
import { Icon } from '../ui/icon.js';
import { useStored } from '../ui/use-stored.js';
import { Composer } from './composer.js';
import { Greeting } from './greeting.js';
import { MemoryPanel } from './memory-panel.js';
import { MessageList } from './message-list.js';
import { SpokenAnswer } from './spoken-answer.js';
import './chat-page.css';
import './messages.css';

/** A conversation, or the beginning of one. */
export function ChatPage({ id }: { id: string | null }) {
  const t = useText();
  const [, navigate] = useLocation();
  const chat = useConversation(id);
  const [isMemoryShown, setMemoryShown] = useStored('parley.notes', matchMedia('(min-width: 75rem)').matches);
  const mustFocusToggle = useRef(false);
  const { conversation, messages, streaming, error } = chat;
  const last = messages.at(-1);
  const createdId = id === null ? chat.id : null;

  useEffect(() => {
    if (createdId !== null) navigate(`/c/${createdId}`);
  }, [createdId, navigate]);
  useEffect(() => {
    document.title = conversation ? `${conversation.title} · ${t.appName}` : t.appName;
  }, [conversation, t]);

  const toggleMemory = (isShown: boolean) => {
    mustFocusToggle.current = true;
    setMemoryShown(isShown);
  };
  // The button that was pressed goes away, and the focus of the keyboard would be lost with it.
  const focusToggle = useCallback((button: HTMLButtonElement | null) => {
    if (!button || !mustFocusToggle.current) return;
    mustFocusToggle.current = false;
    button.focus();
  }, []);

  if (chat.status === 'MISSING') return <ConversationGone />;
  return (
    <div className={isMemoryShown && conversation ? 'chat with-memory' : 'chat'}>
      <main id="main" className="talk">
        <header className="talk-header">
          <h1 className={conversation ? undefined : 'visually-hidden'}>{conversation?.title ?? t.newConversation}</h1>
          {conversation && !isMemoryShown && (
            <button
              ref={focusToggle}
              type="button"
              className="icon-button"
              onClick={() => toggleMemory(true)}
              title={t.showMemory}
            >
              <Icon name="memory" />
              <span>{t.memory}</span>
            </button>
          )}
        </header>
        {id === null && messages.length === 0 ? (
          <Greeting onChoose={(question) => void chat.ask(question)} />
        ) : chat.status === 'LOADING' ? (
          <div className="loading" role="status">
            <span className="spinner" />
            {t.loading}
          </div>
        ) : chat.status === 'FAILED' ? (
          <div className="talk-failed">
            <ErrorText error={error}>
              <button type="button" className="button small" onClick={() => void chat.refresh()}>
                <Icon name="refresh" />
                {t.tryAgain}
              </button>
            </ErrorText>
          </div>
        ) : (
          <MessageList
            key={id}
            messages={messages}
            hasEarlier={chat.hasEarlier}
            loadEarlier={chat.loadEarlier}
            regenerate={chat.regenerate}
            continueAnswer={chat.continueAnswer}
            retry={chat.retry}
            discard={chat.discard}
          />
        )}
        <div className="talk-foot">
          {error && chat.status !== 'FAILED' && (
            <div className="talk-error">
              <ErrorText error={error} />
            </div>
          )}
          <Composer
            key={id}
            text={chat.draft}
            onChange={chat.setDraft}
            onSend={chat.isBusy ? null : () => void chat.ask()}
            onStop={streaming ? () => void chat.stop() : null}
          />
        </div>
        {last?.role === 'ASSISTANT' && (
          <SpokenAnswer
            key={last.key}
            text={last.content}
            calls={last.toolCalls}
            isGrowing={last.status === 'STREAMING'}
          />
        )}
      </main>
      {isMemoryShown && conversation && (
        <MemoryPanel
          conversation={conversation}
          messages={messages}
          closeRef={focusToggle}
          onClose={() => toggleMemory(false)}
        />
      )}
    </div>
  );
}

function ConversationGone() {
  const t = useText();
  const [, navigate] = useLocation();
  return (
    <main id="main" className="blank">
      <h1>{t.conversationGone}</h1>
      <button type="button" className="button primary" onClick={() => navigate('/')}>
        {t.goHome}
      </button>
    </main>
  );
}

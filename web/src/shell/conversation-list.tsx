import type { ConversationListSnapshot } from '@parley/client';
import { useChat, useConversations } from '@parley/client/react';
import { useDeferredValue, useRef, useState } from 'react';
import { VList, type VListHandle } from 'virtua';
import { Link, useRoute } from 'wouter';
import type { Texts } from '../i18n/en.js';
import { useText } from '../i18n/language.js';
import { ErrorText } from '../ui/error-text.js';
import { Icon } from '../ui/icon.js';
import { ConversationItem } from './conversation-item.js';

/** The next page is loaded before the reader arrives at the end. */
const END_DISTANCE = 400;

/** All conversations, or those in which words occur. */
export function ConversationList() {
  const t = useText();
  const chat = useChat();
  const [words, setWords] = useState('');
  const search = useDeferredValue(words.trim());
  const { items, status, hasMore, loadMore, error } = useConversations(search);
  const list = useRef<VListHandle>(null);
  const [, params] = useRoute('/c/:id');

  return (
    <>
      <div className="side-tools">
        <Link href="/" className="button new-conversation">
          <Icon name="plus" />
          {t.newConversation}
        </Link>
        <label className="search">
          <span className="visually-hidden">{t.search}</span>
          <Icon name="search" />
          <input
            type="search"
            value={words}
            placeholder={t.search}
            onChange={(event) => setWords(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Escape' || words === '') return;
              event.preventDefault();
              setWords('');
            }}
          />
        </label>
      </div>
      {error && (
        <ErrorText error={error}>
          {status === 'FAILED' && (
            <button type="button" className="button small" onClick={() => void chat.conversations(search).refresh()}>
              <Icon name="refresh" />
              {t.tryAgain}
            </button>
          )}
        </ErrorText>
      )}
      {items.length === 0 ? (
        <p className="list-empty" role="status">
          {describeEmptyList(status, search, t)}
        </p>
      ) : (
        <VList
          key={search}
          ref={list}
          className="conversations"
          role="list"
          aria-label={t.conversations}
          onScroll={(offset) => {
            const { viewportSize, scrollSize } = list.current!;
            if (hasMore && offset + viewportSize > scrollSize - END_DISTANCE) void loadMore();
          }}
        >
          {items.map((conversation) => (
            <ConversationItem
              key={conversation.id}
              conversation={conversation}
              isCurrent={conversation.id === params?.id}
            />
          ))}
        </VList>
      )}
    </>
  );
}

function describeEmptyList(status: ConversationListSnapshot['status'], search: string, t: Texts): string {
  if (status === 'LOADING') return t.loading;
  if (status === 'FAILED') return '';
  return search ? t.nothingFound(search) : t.noConversations;
}

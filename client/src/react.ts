import { createContext, createElement, useContext, useMemo, useSyncExternalStore, type ReactNode } from 'react';
import type { Chat, ConnectionState } from './chat/chat.js';
import type { ConversationListSnapshot } from './chat/conversation-list.js';
import type { Conversation, ConversationSnapshot } from './chat/conversation.js';
import type { Session, SessionSnapshot } from './session/session.js';
import type { Observable } from './store.js';

const ChatContext = createContext<Chat | null>(null);

/** Provides the chat to the hooks below it. */
export function ParleyProvider({ chat, children }: { chat: Chat; children?: ReactNode }): ReactNode {
  return createElement(ChatContext.Provider, { value: chat }, children);
}

/** Returns the chat of the next ParleyProvider. @throws Error if there is none */
export function useChat(): Chat {
  const chat = useContext(ChatContext);
  if (!chat) throw new Error('No chat found. Render the component inside <ParleyProvider chat={createChat(session)}>.');
  return chat;
}

const useObservable = <T>(observable: Observable<T>): T =>
  useSyncExternalStore(observable.subscribe, observable.getSnapshot, observable.getSnapshot);

/** Returns who is signed in, and the session with `register`, `signIn` and `signOut`. */
export function useSession(): SessionSnapshot & { session: Session } {
  const { session } = useChat();
  const snapshot = useObservable(session);
  return useMemo(() => ({ ...snapshot, session }), [snapshot, session]);
}

/** Returns whether the chat is connected. */
export const useConnection = (): ConnectionState => useObservable(useChat()).connection;

/** Returns the conversations of the user, or those that match a search, and `loadMore`. */
export function useConversations(search = ''): ConversationListSnapshot & { loadMore: () => Promise<void> } {
  const chat = useChat();
  const list = useMemo(() => chat.conversations(search), [chat, search]);
  const snapshot = useObservable(list);
  return useMemo(() => ({ ...snapshot, loadMore: () => list.loadMore() }), [snapshot, list]);
}

export type ConversationActions = Pick<
  Conversation,
  | 'ask'
  | 'continueAnswer'
  | 'discard'
  | 'dismissError'
  | 'loadEarlier'
  | 'refresh'
  | 'regenerate'
  | 'remove'
  | 'rename'
  | 'retry'
  | 'setDraft'
  | 'stop'
>;

/**
 * Returns a conversation and what the user can do in it. It is kept up to date, and its answers are followed.
 * @param id null: a new one, which has an `id` after the first question
 */
export function useConversation(id: string | null = null): ConversationSnapshot & ConversationActions {
  const chat = useChat();
  const conversation = useMemo(() => chat.conversation(id), [chat, id]);
  const snapshot = useObservable(conversation);
  const actions = useMemo(() => bindActions(conversation), [conversation]);
  return useMemo(() => ({ ...snapshot, ...actions }), [snapshot, actions]);
}

const bindActions = (conversation: Conversation): ConversationActions => ({
  ask: (question) => conversation.ask(question),
  continueAnswer: () => conversation.continueAnswer(),
  discard: (key) => conversation.discard(key),
  dismissError: () => conversation.dismissError(),
  loadEarlier: () => conversation.loadEarlier(),
  refresh: () => conversation.refresh(),
  regenerate: () => conversation.regenerate(),
  remove: () => conversation.remove(),
  rename: (title) => conversation.rename(title),
  retry: (key) => conversation.retry(key),
  setDraft: (text) => conversation.setDraft(text),
  stop: () => conversation.stop(),
});

/** For assistant-ui: `import { useParleyRuntime } from '@parley/client/assistant-ui'`. */
import {
  useExternalStoreRuntime,
  type AppendMessage,
  type AssistantRuntime,
  type ThreadMessageLike,
} from '@assistant-ui/react';
import type { ChatMessage } from './chat/conversation.js';
import { useConversation } from './react.js';

/**
 * Returns a runtime for `<AssistantRuntimeProvider>`: it shows a conversation of the chat that `<ParleyProvider>` provides,
 * asks, stops, and answers again. The ChatMessage of a message is `metadata.custom.message`.
 * @param id null: a new conversation
 */
export function useParleyRuntime(id: string | null = null): AssistantRuntime {
  const { messages, status, isBusy, hasEarlier, ask, regenerate, stop, loadEarlier } = useConversation(id);
  return useExternalStoreRuntime<ChatMessage>({
    messages,
    convertMessage,
    isLoading: status === 'LOADING',
    isRunning: isBusy,
    hasEarlier,
    onLoadEarlier: loadEarlier,
    onNew: (message) => ask(toText(message)),
    onReload: regenerate,
    onCancel: stop,
  });
}

const toText = ({ content }: AppendMessage): string =>
  content.map((part) => (part.type === 'text' ? part.text : '')).join('');

function convertMessage(message: ChatMessage): ThreadMessageLike {
  const { key, role, content, reasoning, createdAt } = message;
  const shared = { id: key, createdAt: new Date(createdAt), metadata: { custom: { message } } };
  if (role !== 'ASSISTANT') return { ...shared, role: 'user', content };
  return {
    ...shared,
    role: 'assistant',
    content: [...(reasoning ? [{ type: 'reasoning' as const, text: reasoning }] : []), { type: 'text', text: content }],
    status: toStatus(message),
  };
}

function toStatus({ status, error, finishReason }: ChatMessage): ThreadMessageLike['status'] {
  if (status === 'STREAMING') return { type: 'running' };
  if (status === 'STOPPED') return { type: 'incomplete', reason: 'cancelled' };
  if (status === 'FAILED') return { type: 'incomplete', reason: 'error', error: error?.message ?? '' };
  if (finishReason === 'LENGTH') return { type: 'incomplete', reason: 'length' };
  return { type: 'complete', reason: 'stop' };
}

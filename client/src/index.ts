/** The package entry: `import { createChat, createSession } from '@parley/client'`. */
export { createChat, type Chat, type ChatOptions, type ChatSnapshot, type ConnectionState } from './chat/chat.js';
export type { ConversationList, ConversationListItem, ConversationListSnapshot } from './chat/conversation-list.js';
export type { ChatMessage, Conversation as ConversationStore, ConversationSnapshot } from './chat/conversation.js';
export type { WebSocketConstructor } from './connection/direct-connection.js';
export type { ConnectionOptions } from './connection/open-connection.js';
export type { KeyValueStorage } from './environment.js';
export * from './follow-answer.js';
export * from './generated/graphql.js';
export { ParleyError, type ErrorCode } from './parley-error.js';
export {
  createSession,
  type RequestOptions,
  type Session,
  type SessionOptions,
  type SessionSnapshot,
} from './session/session.js';
export type { Observable } from './store.js';
export type { TypedDocumentNode } from './typed-document-node.js';

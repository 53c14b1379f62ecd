import type { ChatMessage, ConversationPartsFragment } from '@parley/client';

export type Message = ChatMessage;
export type Conversation = ConversationPartsFragment;

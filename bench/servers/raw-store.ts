import type { AccessClaims } from './raw-tokens.js';

/** What the minimal server stores: the same rows in the same tables as Parley. */
export interface RawStore {
  /** Returns the user of an active session, or null. */
  findViewer(claims: AccessClaims): Promise<Viewer | null>;
  getUser(userId: string): Promise<object>;
  /** Returns the 20 most recently active conversations with their last messages. */
  listConversations(userId: string): Promise<object>;
  /** Returns the last 50 messages of a conversation. */
  getConversation(userId: string, id: string): Promise<object | null>;
  /** Stores a question and the answer to be generated. @throws Error if the conversation cannot be asked in */
  addQuestion(userId: string, question: string, conversationId: string | null): Promise<StoredExchange>;
  /** Returns the messages before an answer. */
  readHistory(conversationId: string, position: number): Promise<{ role: string; content: string }[]>;
  /** Returns the owner and the text of an answer, or null. */
  findAnswer(id: string): Promise<{ ownerId: string; content: string } | null>;
  /** Renews the leases of running answers and saves their texts. */
  saveTexts(answers: readonly { id: string; content: string }[]): Promise<void>;
  finishAnswer(answer: StoredExchange, ownerId: string, content: string, usage: Usage): Promise<void>;
  setTitle(conversationId: string, ownerId: string, title: string, usage: Usage): Promise<void>;
}

export interface Viewer {
  userId: string;
}

export interface StoredExchange {
  conversationId: string;
  questionId: string;
  answerId: string;
  /** The position of the answer. */
  position: number;
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
}

/** For `useChat` of the AI SDK: `import { createChatTransport } from '@parley/client/ai-sdk'`. */
import type { ChatTransport, UIMessage, UIMessageChunk } from 'ai';
import { withRetries } from './chat/retry.js';
import type { ConnectionOptions } from './connection/open-connection.js';
import { UserConnection } from './connection/user-connection.js';
import { createId } from './environment.js';
import { followAnswer } from './follow-answer.js';
import {
  AskQuestionDocument,
  ConversationDocument,
  RegenerateAnswerDocument,
  StopAnswerDocument,
  type MessagePartsFragment,
} from './generated/graphql.js';
import { ParleyError } from './parley-error.js';
import type { Session } from './session/session.js';

/** The metadata of an answer is the stored answer, from its end on. */
export type ParleyUIMessage = UIMessage<MessagePartsFragment>;

export interface ChatTransportOptions extends ConnectionOptions {
  /** The conversation to continue. Default: a new one, which the first question creates. */
  conversationId?: string | null;
  /** Called with the id of a new conversation. */
  onConversation?: (id: string) => void;
}

/** How many messages `loadMessages` reads. */
const PAGE_SIZE = 50;

type Chunk = UIMessageChunk<MessagePartsFragment>;
type SendOptions = Parameters<ChatTransport<ParleyUIMessage>['sendMessages']>[0];

/** Carries a conversation between `useChat` and Parley. Of an operation that fails, the error is a ParleyError. */
export class ParleyChatTransport implements ChatTransport<ParleyUIMessage> {
  /** `reconnectToStream` begins with the first word of the answer. */
  readonly resumeStreamIsReplay = true;
  readonly #connection: UserConnection;
  #conversationId: string | null;

  constructor(
    private readonly session: Session,
    private readonly options: ChatTransportOptions = {},
  ) {
    this.#connection = new UserConnection(session, options);
    this.#conversationId = options.conversationId ?? null;
  }

  /** Null until the first question is stored. */
  get conversationId(): string | null {
    return this.#conversationId;
  }

  /**
   * Returns the newest messages of the conversation, for `messages` of `useChat`. With `resume: true`, `useChat` then
   * follows an answer that is being generated.
   */
  async loadMessages(): Promise<ParleyUIMessage[]> {
    const messages = await this.#readNewest(PAGE_SIZE);
    const isStreaming = messages.at(-1)?.status === 'STREAMING';
    return (isStreaming ? messages.slice(0, -1) : messages).map(toUIMessage);
  }

  /** Asks the text of the last message, or answers the last question again. Aborting stops the answer. */
  async sendMessages({ trigger, messages, messageId, abortSignal }: SendOptions): Promise<ReadableStream<Chunk>> {
    const answer = trigger === 'submit-message' ? await this.#ask(messages.at(-1)) : await this.#answerAgain(messageId);
    return this.#stream(answer, abortSignal);
  }

  /** Follows the answer that is being generated. Null if there is none. */
  async reconnectToStream({
    abortSignal,
  }: {
    abortSignal?: AbortSignal | undefined;
  }): Promise<ReadableStream<Chunk> | null> {
    const [last] = await this.#readNewest(1);
    return last?.status === 'STREAMING' ? this.#stream(last, abortSignal) : null;
  }

  close(): void {
    this.#connection.close();
  }

  async #readNewest(last: number): Promise<MessagePartsFragment[]> {
    if (this.#conversationId === null) return [];
    const { conversation } = await this.session.request(ConversationDocument, { id: this.#conversationId, last });
    return conversation?.messages.edges.map(({ node }) => node) ?? [];
  }

  async #ask(message: ParleyUIMessage | undefined): Promise<MessagePartsFragment> {
    const question = message?.parts.map((part) => (part.type === 'text' ? part.text : '')).join('') ?? '';
    const input = { question, conversationId: this.#conversationId, requestId: createId() };
    const { askQuestion } = await this.#sendRepeatedly(() => this.session.request(AskQuestionDocument, { input }));
    if (this.#conversationId === null) {
      this.#conversationId = askQuestion.conversation.id;
      this.options.onConversation?.(askQuestion.conversation.id);
    }
    return askQuestion.answer;
  }

  async #answerAgain(messageId: string | undefined): Promise<MessagePartsFragment> {
    const answerId = messageId ?? (await this.#readNewest(1))[0]?.id;
    if (!answerId) throw new ParleyError('NOT_FOUND', 'There is no answer that could be regenerated.');
    const input = { answerId, requestId: createId() };
    const { regenerateAnswer } = await this.#sendRepeatedly(() =>
      this.session.request(RegenerateAnswerDocument, { input }),
    );
    return regenerateAnswer.answer;
  }

  #sendRepeatedly<T>(send: () => Promise<T>): Promise<T> {
    return withRetries(new AbortController().signal, send);
  }

  #stream({ id }: MessagePartsFragment, abortSignal: AbortSignal | undefined): ReadableStream<Chunk> {
    const cancelled = new AbortController();
    const stop = () => {
      const input = { answerId: id };
      // If the answer cannot be stopped, it ends by itself.
      this.session.request(StopAnswerDocument, { input }).catch(() => {});
    };
    return new ReadableStream<Chunk>({
      start: async (controller) => {
        const writer = new ChunkWriter(id, (chunk) => controller.enqueue(chunk));
        const signal = abortSignal ? AbortSignal.any([abortSignal, cancelled.signal]) : cancelled.signal;
        abortSignal?.addEventListener('abort', stop, { once: true });
        if (abortSignal?.aborted) stop();
        try {
          const answer = await followAnswer(this.#connection, id, {
            signal,
            onText: (text) => writer.write('text', text),
            onReasoning: (text) => writer.write('reasoning', text),
          });
          writer.end(answer);
        } catch (error) {
          if (cancelled.signal.aborted) return;
          if (abortSignal?.aborted) controller.enqueue({ type: 'abort' });
          else controller.enqueue({ type: 'error', errorText: ParleyError.from(error).message });
        } finally {
          abortSignal?.removeEventListener('abort', stop);
        }
        controller.close();
      },
      cancel: () => cancelled.abort(),
    });
  }
}

export const createChatTransport = (session: Session, options?: ChatTransportOptions): ParleyChatTransport =>
  new ParleyChatTransport(session, options);

/** Writes a growing answer as the chunks of its parts. */
class ChunkWriter {
  readonly #lengths = { reasoning: 0, text: 0 };
  #open: 'reasoning' | 'text' | null = null;

  constructor(
    private readonly id: string,
    private readonly enqueue: (chunk: Chunk) => void,
  ) {
    enqueue({ type: 'start', messageId: id });
    enqueue({ type: 'start-step' });
  }

  /** @param whole the text so far. After a reconnection a part of it arrives again. */
  write(part: 'reasoning' | 'text', whole: string): void {
    const delta = whole.slice(this.#lengths[part]);
    if (delta === '') return;
    this.#lengths[part] = whole.length;
    if (this.#open !== part) {
      this.#close();
      this.#open = part;
      this.enqueue({ type: `${part}-start`, id: `${this.id}:${part}` });
    }
    this.enqueue({ type: `${part}-delta`, id: `${this.id}:${part}`, delta });
  }

  end(answer: MessagePartsFragment): void {
    this.write('text', answer.content);
    this.#close();
    this.enqueue({ type: 'finish-step' });
    this.enqueue({ type: 'message-metadata', messageMetadata: answer });
    if (answer.status === 'FAILED') this.enqueue({ type: 'error', errorText: answer.error?.message ?? '' });
    else if (answer.status === 'STOPPED') this.enqueue({ type: 'abort' });
    else this.enqueue({ type: 'finish', finishReason: answer.finishReason === 'LENGTH' ? 'length' : 'stop' });
  }

  #close(): void {
    if (this.#open) this.enqueue({ type: `${this.#open}-end`, id: `${this.id}:${this.#open}` });
    this.#open = null;
  }
}

function toUIMessage(message: MessagePartsFragment): ParleyUIMessage {
  const { id, role, content, reasoning } = message;
  return {
    id,
    role: role === 'ASSISTANT' ? 'assistant' : 'user',
    metadata: message,
    parts: [...(reasoning ? [{ type: 'reasoning' as const, text: reasoning }] : []), { type: 'text', text: content }],
  };
}

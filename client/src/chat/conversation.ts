import { createId } from '../environment.js';
import { followAnswer, type SubscribingClient } from '../follow-answer.js';
import {
  AskQuestionDocument,
  ContinueAnswerDocument,
  ConversationDocument,
  DeleteConversationDocument,
  RegenerateAnswerDocument,
  RenameConversationDocument,
  StopAnswerDocument,
  type ConversationPartsFragment,
  type ConversationUpdatesSubscription,
  type MessagePartsFragment,
} from '../generated/graphql.js';
import { ParleyError } from '../parley-error.js';
import type { Session } from '../session/session.js';
import type { Observable } from '../store.js';
import type { Drafts, UnsentQuestion } from './drafts.js';
import { withRetries } from './retry.js';
import {
  Timeline,
  type AnswerChange,
  type MessagePage,
  type StoredMessage,
  type UnfinishedAnswer,
} from './timeline.js';
import { RefreshedStore } from './refreshed-store.js';

/** A message as it is shown. */
export interface ChatMessage extends MessagePartsFragment {
  /** Identifies the message while it is shown: the id of a question changes when the server has stored it. */
  readonly key: string;
  /** STORED by the server; SENDING to it; or FAILED to be sent, with `deliveryError`. */
  readonly delivery: 'STORED' | 'SENDING' | 'FAILED';
  readonly deliveryError: ParleyError | null;
  /** The id of the answer that this one has replaced, if it was replaced while the conversation was open. */
  readonly replacesId: string | null;
}

export interface ConversationSnapshot {
  /** Null until the first question of a new conversation is stored. */
  readonly id: string | null;
  /** MISSING: it was deleted, or is not the user's. FAILED: see `error`. */
  readonly status: 'LOADING' | 'READY' | 'MISSING' | 'FAILED';
  readonly conversation: ConversationPartsFragment | null;
  /** In their order. The last ones may not be stored yet. */
  readonly messages: readonly ChatMessage[];
  /** The answer that is being generated, or null. */
  readonly streaming: ChatMessage | null;
  /** Whether a question is being sent or answered, so that another must wait. */
  readonly isBusy: boolean;
  readonly hasEarlier: boolean;
  readonly isLoadingEarlier: boolean;
  /** What the user is writing. It is kept over reloads. */
  readonly draft: string;
  /** Why the last action failed, until the next one or `dismissError()`. */
  readonly error: ParleyError | null;
}

export type ConversationUpdate = ConversationUpdatesSubscription['conversationUpdates'];

/** What conversations share. */
export interface ChatContext {
  readonly session: Session;
  readonly drafts: Drafts;
  /** Aborts when the user signs out or the chat is closed. */
  getSignal(): AbortSignal;
  getConnection(): SubscribingClient;
  /** A new conversation has an id now. */
  onCreated(conversation: Conversation, id: string): void;
  onDeleted(id: string): void;
  /** Its title or anything else that lists show has changed. */
  onChanged(conversation: ConversationPartsFragment): void;
}

interface PendingQuestion extends UnsentQuestion {
  delivery: 'SENDING' | 'FAILED';
  error: ParleyError | null;
}

const PAGE_SIZE = 30;
/** How many pages are read to close a gap before the earlier messages are forgotten. */
const MAX_PAGES_OF_GAP = 4;

/** A conversation: its messages, and what the user can do in it. */
export class Conversation implements Observable<ConversationSnapshot> {
  readonly #timeline = new Timeline();
  readonly #following = new Map<string, AbortController>();
  readonly #store: RefreshedStore<ConversationSnapshot>;
  #pending: readonly PendingQuestion[];
  #id: string | null;
  #parts: ConversationPartsFragment | null = null;
  #status: ConversationSnapshot['status'];
  #isLoadingEarlier = false;
  #isActing = false;
  #draft: string;
  #error: ParleyError | null = null;
  /** The messages as they were shown last, so that unchanged ones stay the same objects. */
  readonly #shown = new WeakMap<StoredMessage, ChatMessage>();

  /** @param id null: a new conversation */
  constructor(
    private readonly context: ChatContext,
    id: string | null,
  ) {
    this.#id = id;
    this.#status = id === null ? 'READY' : 'LOADING';
    const { text, unsent } = context.drafts.read(id);
    this.#draft = text;
    this.#pending = unsent.map((question) => ({ ...question, delivery: 'FAILED', error: null }));
    this.#store = new RefreshedStore(this.#createSnapshot(), {
      read: () => this.#read(),
      onIdle: () => this.#stopFollowing(),
    });
  }

  get id(): string | null {
    return this.#id;
  }

  /** Whether anything observes it. */
  get isActive(): boolean {
    return this.#store.isActive;
  }

  getSnapshot = (): ConversationSnapshot => this.#store.getSnapshot();

  /** While there are subscribers, the conversation is kept up to date and its answers are followed. */
  subscribe = (listener: () => void): (() => void) => this.#store.subscribe(listener);

  /** Reads the newest messages and merges them. The chat calls it after each connection. */
  async refresh(): Promise<void> {
    await this.#store.refresh();
  }

  /** Stores what the user is writing. */
  setDraft(text: string): void {
    this.#draft = text;
    this.#saveDraft();
    this.#publish();
  }

  /**
   * Asks a question: by default the draft, which becomes empty. It is shown at once, and sent again with the same
   * `requestId` after errors that may pass. Resolves when it is stored, or has failed: see `deliveryError`.
   */
  async ask(question: string = this.#draft): Promise<void> {
    if (question.trim() === '') return;
    if (question === this.#draft) this.#draft = '';
    this.#error = null;
    const pending: PendingQuestion = { requestId: createId(), question, delivery: 'SENDING', error: null };
    this.#setPending([...this.#pending, pending]);
    await this.#deliver(pending);
  }

  /** Sends a question that failed again. @param key that of the message; default: all */
  async retry(key?: string): Promise<void> {
    for (const pending of this.#pending)
      if (pending.delivery === 'FAILED' && (key === undefined || key === pending.requestId))
        await this.#deliver(pending);
  }

  /** Takes a question that failed back into the draft. @param key that of the message */
  discard(key: string): void {
    const pending = this.#pending.find(({ requestId }) => requestId === key);
    if (!pending) return;
    if (this.#draft === '') this.#draft = pending.question;
    this.#setPending(this.#pending.filter((other) => other !== pending));
  }

  /** Stops the answer that is being generated. Its text stays. */
  async stop(): Promise<void> {
    const answer = this.#timeline.listUnfinished().at(-1);
    if (!answer) return;
    await this.#act(async (begunAt) => {
      const { stopAnswer } = await this.#request(StopAnswerDocument, { input: { answerId: answer.id } });
      this.#timeline.merge(stopAnswer, begunAt);
    });
  }

  /** Answers the last question again. The new answer takes the place of the last one. */
  async regenerate(): Promise<void> {
    const answer = this.#findLastAnswer();
    if (!answer) return;
    const input = { answerId: answer.id, requestId: createId() };
    await this.#act(async (begunAt) => {
      const { regenerateAnswer } = await this.#requestRepeatedly(RegenerateAnswerDocument, { input });
      this.#setParts(regenerateAnswer.conversation);
      this.#timeline.merge(regenerateAnswer.answer, begunAt);
    });
  }

  /** Lets the last answer go on, if it was cut, stopped, or failed after some text. */
  async continueAnswer(): Promise<void> {
    const answer = this.#findLastAnswer();
    if (!answer) return;
    const input = { answerId: answer.id, requestId: createId() };
    await this.#act(async () => {
      const { continueAnswer } = await this.#requestRepeatedly(ContinueAnswerDocument, { input });
      this.#setParts(continueAnswer.conversation);
      // Nothing else can continue it meanwhile, so the result is newer than what is known.
      this.#timeline.merge(continueAnswer.answer, this.#timeline.begin());
    });
  }

  /** Loads the messages before those that are loaded. */
  async loadEarlier(): Promise<void> {
    const { startCursor } = this.#timeline;
    if (this.#isLoadingEarlier || !this.#timeline.hasEarlier || startCursor === null) return;
    this.#isLoadingEarlier = true;
    this.#publish();
    await this.#attempt(async () => {
      const begunAt = this.#timeline.begin();
      const { conversation } = await this.#request(ConversationDocument, {
        id: this.#id!,
        last: PAGE_SIZE,
        before: startCursor,
      });
      // A gap may have made the timeline begin anew meanwhile.
      if (conversation && this.#timeline.startCursor === startCursor)
        this.#timeline.mergePage(conversation.messages, begunAt);
    });
    this.#isLoadingEarlier = false;
    this.#publish();
  }

  async rename(title: string): Promise<void> {
    await this.#attempt(async () => {
      const input = { id: this.#id!, title };
      this.#setParts((await this.#request(RenameConversationDocument, { input })).renameConversation);
    });
    this.#publish();
  }

  /** Deletes the conversation. */
  async remove(): Promise<void> {
    const id = this.#id;
    if (id === null) return;
    await this.#attempt(async () => {
      await this.#request(DeleteConversationDocument, { input: { id } });
      this.context.onDeleted(id);
    });
    this.#publish();
  }

  dismissError(): void {
    this.#error = null;
    this.#publish();
  }

  /** Applies an event. */
  apply({ type, conversationEdge, messageEdge }: ConversationUpdate): void {
    if (type === 'DELETED') return this.setMissing();
    if (conversationEdge) this.#parts = conversationEdge.node;
    if (messageEdge) {
      const { node, cursor } = messageEdge;
      // An event before it was missed.
      if (node.position > this.#timeline.lastPosition + 1) void this.refresh();
      else {
        this.#timeline.mergeEvent(node, cursor);
        this.#dropStored();
      }
    }
    this.#publish();
    this.#follow();
  }

  /** It was deleted. */
  setMissing(): void {
    this.#stopFollowing();
    this.#timeline.clear();
    this.#status = 'MISSING';
    this.#parts = null;
    this.#draft = '';
    this.#setPending([]);
  }

  /** Forgets everything, because another user may sign in. */
  reset(): void {
    this.#stopFollowing();
    this.#timeline.clear();
    this.#parts = null;
    this.#draft = '';
    this.#pending = [];
    this.#error = null;
    this.#status = this.#id === null ? 'READY' : 'LOADING';
    this.#publish();
  }

  /** Continues after a connection: reads, follows, and delivers what has failed. */
  async resume(): Promise<void> {
    await this.refresh();
    for (const pending of this.#pending)
      if (pending.delivery === 'FAILED' && isDeliverable(pending)) await this.#deliver(pending);
  }

  async #read(): Promise<void> {
    if (this.#id === null || this.#status === 'MISSING' || !this.context.session.user) return;
    const signal = this.context.getSignal();
    try {
      const begunAt = this.#timeline.begin();
      // What is shown would stay outdated until the next connection if this failed.
      const send = this.#status === 'READY' ? this.#requestRepeatedly : this.#request;
      const { conversation } = await send(ConversationDocument, { id: this.#id, last: PAGE_SIZE });
      if (!conversation) return this.setMissing();
      await this.#closeGap(conversation.messages);
      this.#timeline.mergePage(conversation.messages, begunAt);
      this.#setParts(conversation);
      if (this.#status === 'FAILED') this.#error = null;
      this.#status = 'READY';
      this.#dropStored();
    } catch (error) {
      // What is loaded stays. The next connection reads again.
      if (signal.aborted || this.#status === 'READY') return;
      this.#status = 'FAILED';
      this.#error = ParleyError.from(error);
    }
    this.#publish();
    this.#follow();
  }

  /** Reads the messages between those that are loaded and the newest page. */
  async #closeGap(newest: MessagePage): Promise<void> {
    const pages = [newest];
    while (this.#timeline.isBehind(pages[0]!)) {
      if (pages.length > MAX_PAGES_OF_GAP) return this.#timeline.restart();
      const begunAt = this.#timeline.begin();
      const before = pages[0]!.edges[0]!.cursor;
      const variables = { id: this.#id!, last: PAGE_SIZE, before };
      const { conversation } = await this.#requestRepeatedly(ConversationDocument, variables);
      if (!conversation?.messages.edges.length) return this.#timeline.restart();
      pages.unshift(conversation.messages);
      if (!this.#timeline.isBehind(pages[0]!))
        for (const page of pages.slice(0, -1)) this.#timeline.mergePage(page, begunAt);
    }
  }

  async #deliver(pending: PendingQuestion): Promise<void> {
    const { requestId, question } = pending;
    this.#updatePending(requestId, { delivery: 'SENDING', error: null });
    try {
      const begunAt = this.#timeline.begin();
      const input = { question, requestId, conversationId: this.#id };
      const { askQuestion } = await this.#requestRepeatedly(AskQuestionDocument, { input });
      this.#acceptId(askQuestion.conversation.id);
      this.#timeline.merge(askQuestion.question, begunAt);
      this.#timeline.merge(askQuestion.answer, begunAt);
      this.#setPending(this.#pending.filter((other) => other.requestId !== requestId));
      this.#setParts(askQuestion.conversation);
    } catch (error) {
      this.#updatePending(requestId, { delivery: 'FAILED', error: ParleyError.from(error) });
    }
    this.#publish();
    this.#follow();
  }

  #acceptId(id: string): void {
    if (this.#id !== null) return;
    this.context.drafts.write(null, { text: '', unsent: [] });
    this.#id = id;
    this.#saveDraft();
    this.context.onCreated(this, id);
  }

  /** Runs an action that changes the last answer. Others wait meanwhile. */
  async #act(work: (begunAt: number) => Promise<void>): Promise<void> {
    if (this.#isActing) return;
    this.#isActing = true;
    this.#error = null;
    this.#publish();
    await this.#attempt(() => work(this.#timeline.begin()));
    this.#isActing = false;
    this.#publish();
    this.#follow();
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    const signal = this.context.getSignal();
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) this.#error = ParleyError.from(error);
    }
  }

  #request: Session['request'] = (document, variables) =>
    this.context.session.request(document, variables, { signal: this.context.getSignal() });

  #requestRepeatedly: Session['request'] = (document, variables) =>
    withRetries(this.context.getSignal(), () => this.#request(document, variables));

  /** Follows each answer that is being generated, once. */
  #follow(): void {
    if (!this.isActive) return;
    for (const answer of this.#timeline.listUnfinished()) {
      if (this.#following.has(answer.id)) continue;
      const following = new AbortController();
      this.#following.set(answer.id, following);
      void this.#followOne(answer, following);
    }
  }

  async #followOne({ id, text }: UnfinishedAnswer, following: AbortController): Promise<void> {
    const signal = AbortSignal.any([following.signal, this.context.getSignal()]);
    try {
      const answer = await followAnswer(this.context.getConnection(), id, {
        offset: text.length,
        text,
        signal,
        onText: (content) => this.#grow(id, { content }),
        onReasoning: (reasoning) => this.#grow(id, { reasoning }),
        onProduct: (mention) => this.#grow(id, { mention }),
        onToolCall: (toolCall) => this.#grow(id, { toolCall }),
      });
      this.#timeline.merge(answer, this.#timeline.begin());
      this.#publish();
    } catch (error) {
      // The conversation was deleted. Or the server is gone for long: then the next connection continues.
      if (!signal.aborted && ParleyError.from(error).code === 'NOT_FOUND') void this.refresh();
    } finally {
      if (this.#following.get(id) === following) this.#following.delete(id);
    }
  }

  #grow(id: string, change: AnswerChange): void {
    this.#timeline.grow(id, change);
    this.#publish();
  }

  #stopFollowing(): void {
    for (const following of this.#following.values()) following.abort();
    this.#following.clear();
  }

  #findLastAnswer(): StoredMessage | null {
    return this.#timeline.list().findLast(({ role }) => role === 'ASSISTANT') ?? null;
  }

  #setParts(parts: ConversationPartsFragment): void {
    this.#parts = parts;
    this.context.onChanged(parts);
  }

  /** Drops questions that are stored: an event may arrive before the response. */
  #dropStored(): void {
    const stored = new Set(this.#timeline.list().map(({ requestId }) => requestId));
    const pending = this.#pending.filter(({ requestId }) => !stored.has(requestId));
    if (pending.length < this.#pending.length) this.#setPending(pending);
  }

  #updatePending(requestId: string, change: Partial<PendingQuestion>): void {
    this.#setPending(this.#pending.map((it) => (it.requestId === requestId ? { ...it, ...change } : it)));
  }

  #setPending(pending: readonly PendingQuestion[]): void {
    this.#pending = pending;
    this.#saveDraft();
    this.#publish();
  }

  #saveDraft(): void {
    const unsent = this.#pending.map(({ requestId, question }) => ({ requestId, question }));
    this.context.drafts.write(this.#id, { text: this.#draft, unsent });
  }

  #publish(): void {
    this.#store.set(this.#createSnapshot());
  }

  #createSnapshot(): ConversationSnapshot {
    const messages = [
      ...this.#timeline.list().map((message) => this.#show(message)),
      ...this.#pending.map((pending, i) => toPendingMessage(pending, this.#timeline.lastPosition + 1 + i)),
    ];
    const streaming = messages.findLast(({ status }) => status === 'STREAMING') ?? null;
    return {
      id: this.#id,
      status: this.#status,
      conversation: this.#parts,
      messages,
      streaming,
      isBusy: streaming !== null || this.#isActing || this.#pending.some(({ delivery }) => delivery === 'SENDING'),
      hasEarlier: this.#timeline.hasEarlier,
      isLoadingEarlier: this.#isLoadingEarlier,
      draft: this.#draft,
      error: this.#error,
    };
  }

  #show(message: StoredMessage): ChatMessage {
    const shown = this.#shown.get(message);
    if (shown) return shown;
    const { replaces, ...parts } = message;
    const key = message.role === 'USER' ? (message.requestId ?? message.id) : message.id;
    const created: ChatMessage = {
      ...parts,
      key,
      delivery: 'STORED',
      deliveryError: null,
      replacesId: replaces?.id ?? null,
    };
    this.#shown.set(message, created);
    return created;
  }
}

/** A question is aborted when its guest becomes a user, who sends it again. */
const isDeliverable = ({ error }: PendingQuestion): boolean =>
  error === null || error.isRetryable || error.code === 'ABORTED';

const toPendingMessage = (
  { requestId, question, delivery, error }: PendingQuestion,
  position: number,
): ChatMessage => ({
  id: requestId,
  key: requestId,
  position,
  role: 'USER',
  content: question,
  reasoning: null,
  status: 'COMPLETED',
  error: null,
  finishReason: null,
  toolCalls: [],
  products: [],
  unverifiedClaims: [],
  requestId,
  model: null,
  usage: null,
  createdAt: new Date().toISOString(),
  finishedAt: null,
  delivery,
  deliveryError: error,
  replacesId: null,
});

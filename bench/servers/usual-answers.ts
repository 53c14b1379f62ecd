import { ref } from '@mikro-orm/core';
import type { PubSub } from '@graphql-yoga/subscription';
import OpenAI from 'openai';
import { User } from '../../src/auth/user.entity.js';
import { TitleSource } from '../../src/conversations/conversation.entity.js';
import { Message } from '../../src/messages/message.entity.js';
import { FinishReason, MessageRole, MessageStatus } from '../../src/messages/message.enums.js';
import type { Orm } from '../../src/platform/db/orm.js';
import { ModelCall, ModelCallPurpose } from '../../src/usage/model-call.entity.js';

export type UsualEvent = { offset: number; text: string } | { answer: Message };
type Channels = Record<string, [UsualEvent]>;

/** Generates answers with the iterator of the openai SDK, and publishes each token. */
export class UsualAnswers {
  readonly #client: OpenAI;
  /** The texts of running answers. */
  readonly #texts = new Map<string, string>();

  constructor(
    private readonly orm: Orm,
    provider: string,
    private readonly pubSub: PubSub<Channels>,
  ) {
    this.#client = new OpenAI({ apiKey: 'none', baseURL: provider });
  }

  async generate(answerId: string): Promise<Message> {
    this.#texts.set(answerId, '');
    const em = this.orm.em.fork();
    const answer = await em.findOneOrFail(Message, { id: answerId }, { populate: ['conversation'] });
    const conversation = answer.conversation.unwrap();
    const history = await em.find(
      Message,
      { conversation, position: { $lt: answer.position } },
      { orderBy: { position: 'asc' } },
    );
    const stream = await this.#client.chat.completions.create({
      model: 'bench',
      stream: true,
      stream_options: { include_usage: true },
      messages: history.map(({ role, content }) => ({
        role: role === MessageRole.USER ? 'user' : 'assistant',
        content,
      })),
    });
    let content = '';
    for await (const chunk of stream) {
      if (chunk.usage) {
        answer.promptTokens = chunk.usage.prompt_tokens;
        answer.completionTokens = chunk.usage.completion_tokens;
      }
      const text = chunk.choices[0]?.delta.content;
      if (!text) continue;
      this.pubSub.publish(answerId, { offset: content.length, text });
      content += text;
      this.#texts.set(answerId, content);
    }
    const now = new Date();
    Object.assign(answer, {
      content,
      status: MessageStatus.COMPLETED,
      finishReason: FinishReason.STOP,
      model: 'bench',
    });
    answer.finishedAt = now;
    conversation.updatedAt = now;
    // A title may have been stored meanwhile: reload what would otherwise be overwritten.
    await em.refresh(conversation);
    conversation.messagesSinceContextUpdate += 2;
    em.persist(toCall(conversation.owner.id, ModelCallPurpose.ANSWER, answer.promptTokens!, answer.completionTokens!));
    await em.flush();
    this.#texts.delete(answerId);
    this.pubSub.publish(answerId, { answer });
    return answer;
  }

  async generateTitle(answerId: string, question: string): Promise<void> {
    const { choices, usage } = await this.#client.chat.completions.create({
      model: 'bench',
      messages: [{ role: 'user', content: question }],
      response_format: { type: 'json_object' },
    });
    const em = this.orm.em.fork();
    const { conversation: found } = await em.findOneOrFail(Message, { id: answerId }, { populate: ['conversation'] });
    const conversation = found.unwrap();
    conversation.title = (JSON.parse(choices[0]!.message.content!) as { title: string }).title;
    conversation.titleSource = TitleSource.GENERATED;
    conversation.updatedAt = new Date();
    const { prompt_tokens, completion_tokens } = usage!;
    em.persist(toCall(conversation.owner.id, ModelCallPurpose.TITLE, prompt_tokens, completion_tokens));
    await em.flush();
  }

  async *follow(userId: string, answerId: string): AsyncGenerator<UsualEvent> {
    const events = this.pubSub.subscribe(answerId);
    // The PubSub subscribes with the first call of next(): call it before any event is missed.
    const first = events.next();
    const em = this.orm.em.fork();
    const answer = await em.findOneOrFail(Message, { id: answerId, conversation: { owner: userId } });
    const soFar = this.#texts.get(answerId);
    if (soFar === undefined) {
      await em.refresh(answer);
      yield { offset: 0, text: answer.content };
      yield { answer };
      return;
    }
    if (soFar) yield { offset: 0, text: soFar };
    try {
      for (let next = await first; !next.done; next = await events.next()) {
        // Published while the text so far was read.
        if ('offset' in next.value && next.value.offset < soFar.length) continue;
        yield next.value;
        if ('answer' in next.value) return;
      }
    } finally {
      await events.return();
    }
  }
}

function toCall(userId: string, purpose: ModelCallPurpose, promptTokens: number, completionTokens: number): ModelCall {
  const call = new ModelCall();
  call.user = ref(User, userId);
  return Object.assign(call, { purpose, promptTokens, completionTokens, estimated: false });
}

import { Arg, Args, Ctx, FieldResolver, ID, Int, Mutation, Resolver, Root, Subscription } from 'type-graphql';
import { SignedIn, type Viewer } from '../auth/viewer.js';
import { toExcerpt } from '../messages/excerpt.js';
import { Message } from '../messages/message.entity.js';
import { MessageStatus } from '../messages/message.enums.js';
import type { MessageRow } from '../messages/message.row.js';
import { ExcerptArgs } from '../messages/message.types.js';
import { NotFoundError } from '../platform/errors/api-error.js';
import type { RequestContext } from '../platform/graphql/context.js';
import { AnswerEvent, type FollowEvent } from './answer-event.types.js';
import type { AnswerEngine } from './answer.engine.js';
import type { AskService } from './ask.service.js';
import {
  AskQuestionInput,
  AskQuestionPayload,
  ContinueAnswerInput,
  RegenerateAnswerInput,
  StopAnswerInput,
} from './ask.types.js';
import type { StopService } from './stop.service.js';
import type { FollowService } from './follow.service.js';

@Resolver(() => Message)
export class AnsweringResolver {
  constructor(
    private readonly asking: AskService,
    private readonly stopping: StopService,
    private readonly following: FollowService,
    private readonly engine: AnswerEngine,
  ) {}

  @Mutation(() => AskQuestionPayload, {
    description: [
      'Ask the assistant a question, in a new or an existing conversation. With `stream: true` it returns as soon as the',
      'question is stored; follow the answer with `answerStream`. With `stream: false` it returns the finished answer.',
    ].join('\n'),
  })
  askQuestion(
    @Arg('input', () => AskQuestionInput, { description: 'The question.' }) input: AskQuestionInput,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<AskQuestionPayload> {
    return this.asking.ask(em, viewer, input);
  }

  @Mutation(() => Message, {
    description:
      'Stop an answer that is being generated. The text generated so far is kept. A finished answer is not changed.',
  })
  stopAnswer(
    @Arg('input', () => StopAnswerInput, { description: 'The answer to stop.' }) { answerId }: StopAnswerInput,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<Message> {
    return this.stopping.stop(em, viewer, answerId);
  }

  @Mutation(() => AskQuestionPayload, {
    description: "Answer a conversation's last question again. The new answer replaces the old one in the history.",
  })
  regenerateAnswer(
    @Arg('input', () => RegenerateAnswerInput, { description: 'The answer to regenerate.' })
    input: RegenerateAnswerInput,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<AskQuestionPayload> {
    return this.asking.regenerate(em, viewer, input);
  }

  @Mutation(() => AskQuestionPayload, {
    description: [
      'Continue the last answer of a conversation that was cut by its length, or that was stopped or failed after some',
      'text. The same message grows: follow it with `answerStream`. Its usage is the sum of all calls.',
    ].join('\n'),
  })
  continueAnswer(
    @Arg('input', () => ContinueAnswerInput, { description: 'The answer to continue.' }) input: ContinueAnswerInput,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<AskQuestionPayload> {
    return this.asking.continueAnswer(em, viewer, input);
  }

  @Subscription(() => AnswerEvent, {
    subscribe: ({ args, context }) =>
      (context as RequestContext).resolver(AnsweringResolver).follow(args as FollowArgs, context as RequestContext),
    description: [
      'Follow an answer from `offset`: its reasoning, the existing text, then the rest as it is generated, then',
      'AnswerFinished; the subscription then completes. It works at any time, on any server instance, and for finished answers. After a lost',
      'connection, subscribe again with the length of the text that you have.',
      'Assemble the text with `text = text.slice(0, delta.offset) + delta.text`, which makes replays harmless.',
      'If its conversation is deleted, it ends with the error NOT_FOUND.',
      'Deltas may be merged while the client is slow. Within a subscription none is lost, repeated or out of order.',
    ].join('\n'),
  })
  answerStream(
    @Root() event: FollowEvent,
    @Arg('answerId', () => ID, { description: 'The answer to follow.' }) _answerId: string,
    @Arg('offset', () => Int, {
      defaultValue: 0,
      description: "Where to start: the number of UTF-16 code units (JavaScript's string length) that you have.",
    })
    _offset: number,
  ): typeof AnswerEvent {
    if (event instanceof NotFoundError) throw event;
    return event;
  }

  @FieldResolver(() => String, { description: 'The text. While the answer is being generated: the text so far.' })
  content(@Root() { id, status, content }: MessageRow): string | Promise<string> {
    return status === MessageStatus.STREAMING ? this.engine.getText(id, 'text', content) : content;
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'What the model thought before it answered, if it says so. It is never sent back to the model.',
  })
  async reasoning(@Root() { id, status, reasoning }: MessageRow): Promise<string | null> {
    if (status !== MessageStatus.STREAMING) return reasoning;
    return (await this.engine.getText(id, 'reasoning', reasoning ?? '')) || null;
  }

  @FieldResolver(() => String, {
    description:
      'The beginning of the content on one line, without markup, for lists. It never ends inside a character (grapheme cluster).',
  })
  async excerpt(@Root() message: MessageRow, @Args(() => ExcerptArgs) { length }: ExcerptArgs): Promise<string> {
    return toExcerpt(await this.content(message), length);
  }

  async follow({ answerId, offset }: FollowArgs, context: RequestContext) {
    return await this.following.follow(context.db, await context.viewer(), answerId, offset);
  }
}

interface FollowArgs {
  answerId: string;
  offset: number;
}

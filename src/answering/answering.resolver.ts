import { Arg, Ctx, FieldResolver, ID, Int, Mutation, Resolver, Root, Subscription } from 'type-graphql';
import { SignedIn, type Viewer } from '../auth/viewer.js';
import { Message } from '../messages/message.entity.js';
import { MessageStatus } from '../messages/message.enums.js';
import type { RequestContext } from '../platform/graphql/context.js';
import { AnswerEvent, type AnswerDelta, type AnswerFinished } from './answer-events.js';
import type { AnswerEngine } from './answer.engine.js';
import type { AskService } from './ask.service.js';
import { AskQuestionInput, AskQuestionPayload, RegenerateAnswerInput, StopAnswerInput } from './ask.types.js';
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
      'Ask the assistant. Starts a conversation, or continues the one named. With `stream: true` it returns as soon as the',
      'question is stored, and the answer is followed with `answerStream`; with `stream: false` it returns the finished answer.',
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
      'Stop an answer that is being generated. What was generated stays. On a finished answer it changes nothing.',
  })
  stopAnswer(
    @Arg('input', () => StopAnswerInput, { description: 'Which.' }) { answerId }: StopAnswerInput,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<Message> {
    return this.stopping.stop(em, viewer, answerId);
  }

  @Mutation(() => AskQuestionPayload, {
    description:
      "Answer the conversation's last question again. The new answer takes the old one's place in the history.",
  })
  regenerateAnswer(
    @Arg('input', () => RegenerateAnswerInput, { description: 'Which.' }) input: RegenerateAnswerInput,
    @SignedIn() viewer: Viewer,
    @Ctx() { em }: RequestContext,
  ): Promise<AskQuestionPayload> {
    return this.asking.regenerate(em, viewer, input);
  }

  @Subscription(() => AnswerEvent, {
    subscribe: ({ args, context }) =>
      (context as RequestContext).resolver(AnsweringResolver).follow(args as FollowArgs, context as RequestContext),
    description: [
      'Follow an answer from `offset` on: first what is already there, then the rest as it is generated, then one',
      'AnswerFinished, and the subscription completes. It works at any time, from any server instance, for a finished',
      'answer too, so a client that lost its connection subscribes again with the length of the text that it has.',
      'Put the text together with `text = text.slice(0, delta.offset) + delta.text`: replays are then harmless.',
      'Deltas may be merged while the client is slow; none is ever lost, repeated or out of order within one subscription.',
    ].join('\n'),
  })
  answerStream(
    @Root() event: AnswerDelta | AnswerFinished,
    @Arg('answerId', () => ID, { description: "The answer's id." }) _answerId: string,
    @Arg('offset', () => Int, {
      defaultValue: 0,
      description: "Where to begin: the number of UTF-16 code units (JavaScript's string length) that you have.",
    })
    _offset: number,
  ): typeof AnswerEvent {
    return event;
  }

  @FieldResolver(() => String, { description: 'For an answer being generated: what is there so far.' })
  content(@Root() message: Message): string | Promise<string> {
    return message.status === MessageStatus.STREAMING ? this.engine.textOf(message) : message.content;
  }

  async follow({ answerId, offset }: FollowArgs, context: RequestContext) {
    return await this.following.follow(context.em, await context.viewer(), answerId, offset);
  }
}

interface FollowArgs {
  answerId: string;
  offset: number;
}

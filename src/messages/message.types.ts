import { Field, Int, ObjectType } from 'type-graphql';
import { connectionOf } from '../platform/graphql/pages.js';
import { Message } from './message.entity.js';

@ObjectType({ description: 'What a call of the provider cost, in tokens.' })
export class TokenUsage {
  @Field(() => Int, { description: 'Tokens of the prompt.' })
  promptTokens!: number;

  @Field(() => Int, { description: 'Tokens of the answer.' })
  completionTokens!: number;

  @Field(() => Int, { description: 'The sum of both.' })
  totalTokens!: number;

  @Field(() => Boolean, {
    description:
      'True where the provider sent no figures (an answer stopped or broken off) and they were counted here.',
  })
  estimated!: boolean;
}

export const MessageConnection = connectionOf('Message', Message);
export type MessageConnection = InstanceType<typeof MessageConnection>;

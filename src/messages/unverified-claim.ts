import { Field, Int, ObjectType } from 'type-graphql';

/** Stored in a JSON column of the answer. */
@ObjectType({ description: 'A price in an answer that nothing which the model was given confirms.' })
export class UnverifiedClaim {
  @Field(() => Int, { description: 'Its place in the content, in UTF-16 code units.' })
  offset!: number;

  @Field(() => Int, { description: 'Its length, in UTF-16 code units.' })
  length!: number;

  @Field(() => String, { description: 'The price as it is written there.' })
  text!: string;
}

import { Field, ObjectType, registerEnumType } from 'type-graphql';

export enum SaleStatus {
  EXPLORING = 'EXPLORING',
  INTERESTED = 'INTERESTED',
  NEGOTIATING = 'NEGOTIATING',
  CLOSED = 'CLOSED',
  LOST = 'LOST',
}

registerEnumType(SaleStatus, {
  name: 'SaleStatus',
  description: 'Stage of a sale.',
  valuesConfig: {
    EXPLORING: { description: 'The customer is looking around.' },
    INTERESTED: { description: 'The customer is interested in a product.' },
    NEGOTIATING: { description: 'Price and terms are being discussed.' },
    CLOSED: { description: 'The sale was made.' },
    LOST: { description: 'The customer decided against buying.' },
  },
});

/** Stored as one JSON document with the same shape as the GraphQL type. */
@ObjectType({
  description: 'What the assistant remembers of a conversation. It replaces the history in the prompt.',
})
export class ConversationMetadata {
  @Field(() => [String], { description: 'What the customer is interested in.' })
  interests!: string[];

  @Field(() => [String], { description: 'Products that the assistant has offered.' })
  offeredProducts!: string[];

  @Field(() => [String], { description: 'Products that the customer has rejected; they are not offered again.' })
  rejectedProducts!: string[];

  @Field(() => SaleStatus, { description: 'Stage of the sale.' })
  saleStatus!: SaleStatus;

  @Field(() => String, { nullable: true, description: 'What the customer wanted most recently.' })
  lastIntent!: string | null;

  @Field(() => String, { nullable: true, description: 'Other important facts, in a few sentences.' })
  summary!: string | null;
}

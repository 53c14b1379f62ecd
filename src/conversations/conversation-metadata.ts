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
  description: 'How far a sale is.',
  valuesConfig: {
    EXPLORING: { description: 'The customer looks around.' },
    INTERESTED: { description: 'Something has caught their interest.' },
    NEGOTIATING: { description: 'Price and terms are talked about.' },
    CLOSED: { description: 'Sold.' },
    LOST: { description: 'The customer has decided against it.' },
  },
});

/** Stored as one JSON document, and shown as it is. */
@ObjectType({
  description: 'What the assistant remembers of a conversation. It takes the place of the history in the prompt.',
})
export class ConversationMetadata {
  @Field(() => [String], { description: 'What the customer cares about.' })
  interests!: string[];

  @Field(() => [String], { description: 'What the assistant has offered.' })
  offeredProducts!: string[];

  @Field(() => [String], { description: 'What the customer has turned down; it is not offered again.' })
  rejectedProducts!: string[];

  @Field(() => SaleStatus, { description: 'How far the sale is.' })
  saleStatus!: SaleStatus;

  @Field(() => String, { nullable: true, description: 'What the customer wanted last.' })
  lastIntent!: string | null;

  @Field(() => String, { nullable: true, description: 'Whatever else must not be forgotten, in a few sentences.' })
  summary!: string | null;
}

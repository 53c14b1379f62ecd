import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { User } from '../auth/user.entity.js';
import { SaleStatus } from '../conversations/conversation-metadata.js';
import { TokenUsage } from '../messages/message.types.js';

export enum ReportScope {
  MINE = 'MINE',
  EVERYONE = 'EVERYONE',
}

registerEnumType(ReportScope, {
  name: 'ReportScope',
  description: 'Whose data a report includes.',
  valuesConfig: {
    MINE: { description: 'Your own.' },
    EVERYONE: { description: 'That of all users; requires the ADMIN role.' },
  },
});

@ObjectType({ description: 'Tokens used by provider calls.' })
export class UsageReport {
  constructor(
    readonly range: ReportRange,
    totals: Pick<UsageReport, 'answers' | 'usage'>,
  ) {
    Object.assign(this, totals);
  }

  @Field(() => Int, { description: 'Number of answers; titles and memory updates are not included.' })
  answers!: number;

  @Field(() => TokenUsage, { description: 'Tokens used for answers, titles and memory updates.' })
  usage!: TokenUsage;
}

@ObjectType({ description: 'Tokens used by provider calls of one day.' })
export class UsageDay {
  @Field(() => String, { description: 'UTC date, YYYY-MM-DD.' })
  day!: string;

  @Field(() => Int, { description: 'Number of answers; titles and memory updates are not included.' })
  answers!: number;

  @Field(() => TokenUsage, { description: 'Tokens used for answers, titles and memory updates.' })
  usage!: TokenUsage;
}

@ObjectType({ description: 'Tokens used by provider calls for one user.' })
export class UserUsage {
  @Field(() => User, { description: 'The user.' })
  user!: User;

  @Field(() => Int, { description: 'Number of answers; titles and memory updates are not included.' })
  answers!: number;

  @Field(() => TokenUsage, { description: 'Tokens used for answers, titles and memory updates.' })
  usage!: TokenUsage;
}

@ObjectType({ description: 'Number of conversations with a status.' })
export class SaleStatusCount {
  @Field(() => SaleStatus, { description: 'The status.' })
  status!: SaleStatus;

  @Field(() => Int, { description: 'Number of conversations with this status.' })
  count!: number;
}

@ObjectType({ description: 'Number of conversations that contain a term.' })
export class TermCount {
  @Field(() => String, { description: 'The term, such as the name of a product.' })
  term!: string;

  @Field(() => Int, { description: 'Number of conversations that contain the term.' })
  count!: number;
}

@ObjectType({ description: 'Number of conversations in which a product was shown.' })
export class ShownProductCount {
  @Field(() => String, { description: "The shop's own id of the product." })
  sku!: string;

  @Field(() => String, { description: 'The name that customers know, as it was shown last.' })
  title!: string;

  @Field(() => Int, { description: 'Number of conversations in which an answer shows the product.' })
  count!: number;
}

@ObjectType({ description: 'Conversations of one day.' })
export class SalesDay {
  @Field(() => String, { description: 'UTC date, YYYY-MM-DD.' })
  day!: string;

  @Field(() => [SaleStatusCount], {
    description: 'Number of conversations by status; statuses without conversations are omitted.',
  })
  byStatus!: SaleStatusCount[];
}

/** What a report includes. */
export interface ReportRange {
  /** Null includes the data of all users. */
  ownerId: string | null;
  from: Date | null;
  to: Date | null;
}

@ObjectType({ description: 'Statistics over the metadata of conversations.' })
export class SalesReport {
  constructor(readonly range: ReportRange) {}
}

import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { SaleStatus } from '../conversations/conversation-metadata.js';
import { TokenUsage } from '../messages/message.types.js';

export enum ReportScope {
  MINE = 'MINE',
  EVERYONE = 'EVERYONE',
}

registerEnumType(ReportScope, {
  name: 'ReportScope',
  description: 'Whose conversations a report adds up.',
  valuesConfig: {
    MINE: { description: 'Your own.' },
    EVERYONE: { description: "Everybody's; for admins." },
  },
});

@ObjectType({ description: 'What your calls of the provider have cost.' })
export class UsageReport {
  @Field(() => Int, { description: 'How many answers there were; titles and memory updates are not counted here.' })
  answers!: number;

  @Field(() => TokenUsage, { description: 'The tokens of answers, titles and memory updates.' })
  usage!: TokenUsage;
}

@ObjectType({ description: 'How many conversations have a status.' })
export class SaleStatusCount {
  @Field(() => SaleStatus, { description: 'The status.' })
  status!: SaleStatus;

  @Field(() => Int, { description: 'How many have it.' })
  count!: number;
}

@ObjectType({ description: 'In how many conversations a term is found.' })
export class TermCount {
  @Field(() => String, { description: 'The term, such as the name of a product.' })
  term!: string;

  @Field(() => Int, { description: 'In how many conversations it is found.' })
  count!: number;
}

@ObjectType({ description: 'The conversations of a day.' })
export class SalesDay {
  @Field(() => String, { description: 'YYYY-MM-DD.' })
  day!: string;

  @Field(() => [SaleStatusCount], { description: 'How many have each status; those that none has are left out.' })
  byStatus!: SaleStatusCount[];
}

/** Which conversations a report is about: its fields are added up only where they are asked for. */
export interface ReportRange {
  /** Null is everybody. */
  ownerId: string | null;
  from: Date | null;
  to: Date | null;
}

@ObjectType({ description: "What the conversations' metadata adds up to." })
export class SalesReport {
  constructor(readonly range: ReportRange) {}
}

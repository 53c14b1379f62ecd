import { setImmediate } from 'node:timers/promises';
import { MessageRole } from '../../messages/message.enums.js';
import type { UnverifiedClaim } from '../../messages/unverified-claim.js';
import type { EntityManager } from '../../platform/db/orm.js';
import { isTransient } from '../../platform/db/transient-error.js';
import type { Logger } from '../../platform/telemetry/log.js';
import type { Metrics } from '../../platform/telemetry/metrics.js';
import type { Money } from '../money.js';
import { findUnverified } from './find-unverified.js';
import type { KnownProduct, PriceEvidence } from './price-evidence.js';
import { AmountReader, readNumbers } from './read-amounts.js';
import { readResult } from './read-result.js';

/** Of one conversation, the newest ones: what a check reads is bounded. */
const MAX_MESSAGES = 200;
const MAX_MENTIONS = 500;
const MAX_RESULTS = 100;

/** The newest texts of a conversation that are read for prices, in UTF-16 code units. */
const MAX_EVIDENCE_LENGTH = 400_000;

/** Messages before the answer whose products its sums may be of. */
const MAX_TOPIC_MESSAGES = 3;

/** How long the currencies of the catalogue are remembered. */
const CURRENCIES_TTL_MS = 60_000;

/** The answer to be checked. */
export interface CheckedAnswer {
  id: string;
  conversationId: string;
  content: string;
  /** Products that were put into the prompt. */
  given?: string;
}

/** Finds the prices in an answer that nothing which the model was given confirms. */
export class ClaimsService {
  #currencies: { known: string[]; at: number } | null = null;
  #reader: { currencies: string; reader: AmountReader } | null = null;

  constructor(
    private readonly options: {
      isOn: boolean;
      /** They may state prices, such as that of delivery. */
      instructions: string;
      metrics: Metrics;
      log: Logger;
    },
  ) {}

  /**
   * Returns null if the answer was not checked: because checks are off, the catalogue is empty, or there are no numbers. A mistake in a check
   * must not prevent the answer from being stored.
   * @throws Error if the database is unreachable
   */
  async find(em: EntityManager, answer: CheckedAnswer): Promise<UnverifiedClaim[] | null> {
    if (!this.options.isOn) return null;
    try {
      return await this.#find(em, answer);
    } catch (error) {
      if (isTransient(error)) throw error;
      this.options.log.error({ err: error, answerId: answer.id }, 'Could not check the prices in an answer.');
      return null;
    }
  }

  /** Call when the claims are stored. */
  count(claims: readonly UnverifiedClaim[] | null): void {
    if (claims && claims.length > 0) this.options.metrics.unverifiedClaims.inc(claims.length);
  }

  async #find(em: EntityManager, answer: CheckedAnswer): Promise<UnverifiedClaim[] | null> {
    // Most answers: the database need not be asked.
    if (!/[\d０-９]/.test(answer.content)) return null;
    const currencies = await this.#getCurrencies(em);
    if (!currencies) return null;
    const reader = this.#getReader(currencies);
    if (reader.read(answer.content).length === 0) return [];
    const { evidence, topic } = await this.#collect(em, answer, reader);
    return findUnverified(answer.content, topic, reader, evidence);
  }

  /** Returns null if the catalogue is empty. */
  async #getCurrencies(em: EntityManager): Promise<string[] | null> {
    const now = Date.now();
    if (this.#currencies && now - this.#currencies.at < CURRENCIES_TTL_MS) return this.#currencies.known;
    const rows = await em.execute<{ currency: string | null }[]>('select distinct currency from products');
    if (rows.length === 0) return null;
    const known = rows.flatMap(({ currency }) => currency ?? []).toSorted();
    this.#currencies = { known, at: now };
    return known;
  }

  /** Its patterns are compiled once. */
  #getReader(currencies: readonly string[]): AmountReader {
    const key = currencies.join();
    if (this.#reader?.currencies !== key) this.#reader = { currencies: key, reader: new AmountReader(currencies) };
    return this.#reader.reader;
  }

  async #collect(
    em: EntityManager,
    { id, conversationId, given = '' }: CheckedAnswer,
    reader: AmountReader,
  ): Promise<{ evidence: PriceEvidence; topic: string }> {
    const messages = await em.execute<StoredMessage[]>(
      `select id, role, content, unverified_claims as claims from messages
       where conversation_id = ? and position is not null and id <> ? order by position desc limit ${MAX_MESSAGES}`,
      [conversationId, id],
    );
    const mentions = await em.execute<StoredMention[]>(
      `select p.answer_id, p.title, p.price, p.currency from product_mentions p join messages m on m.id = p.answer_id
       where m.conversation_id = ? order by p.id desc limit ${MAX_MENTIONS}`,
      [conversationId],
    );
    const results = await this.#readResults(em, conversationId);
    const products = mentions.flatMap(({ title, price, currency }): KnownProduct[] =>
      price === null || currency === null ? [] : [{ title, minorUnits: Number(price), currency }],
    );
    const amounts: Money[] = [];
    const numbers = new Set<string>();
    const addText = (text: string) => amounts.push(...reader.read(text).flatMap(({ meanings }) => meanings));
    for await (const { role, content, claims } of takeTexts(messages, ({ content }) => content)) {
      if (role === MessageRole.USER) for (const number of readNumbers(content)) numbers.add(number);
      else amounts.push(...findConfirmed(reader, content, claims));
    }
    addText(this.options.instructions);
    for await (const result of takeTexts([given, ...results], (result) => result)) {
      const found = readResult(result);
      products.push(...found.products);
      amounts.push(...found.amounts);
      for (const text of found.texts) addText(text);
      for (const number of found.numbers) numbers.add(number);
    }
    const shown = mentions.filter((mention) => mention.answer_id === id).map(({ title }) => title);
    const topic = [...messages.slice(0, MAX_TOPIC_MESSAGES).map(({ content }) => content), ...shown].join('\n');
    return { evidence: { products, amounts, numbers }, topic };
  }

  /** Returns the results of the look-ups of a conversation. */
  async #readResults(em: EntityManager, conversationId: string): Promise<string[]> {
    const rows = await em.execute<{ result: string }[]>(
      `select t.result from tool_calls t join messages m on m.id = t.answer_id
       where m.conversation_id = ? and t.state = 'DONE' order by t.id desc limit ${MAX_RESULTS}`,
      [conversationId],
    );
    return rows.map(({ result }) => result);
  }
}

/** Returns items up to the limit of what is read of their texts, one in each turn of the event loop. */
async function* takeTexts<T>(items: readonly T[], getText: (item: T) => string): AsyncGenerator<T> {
  let length = 0;
  for (const item of items) {
    length += getText(item).length;
    if (length > MAX_EVIDENCE_LENGTH) return;
    await setImmediate();
    yield item;
  }
}

interface StoredMessage {
  id: string;
  role: MessageRole;
  content: string;
  /** SQLite returns JSON as text. */
  claims: UnverifiedClaim[] | string | null;
}

interface StoredMention {
  answer_id: string;
  title: string;
  price: number | string | null;
  currency: string | null;
}

/** Returns what an earlier answer has stated and its check has confirmed. The evidence of then may not be stored. */
function findConfirmed(reader: AmountReader, content: string, stored: UnverifiedClaim[] | string | null): Money[] {
  const claims = typeof stored === 'string' ? (JSON.parse(stored) as UnverifiedClaim[] | null) : stored;
  // It was never checked.
  if (!claims) return [];
  const unverified = new Set(claims.map(({ offset }) => offset));
  return reader
    .read(content)
    .filter(({ offset }) => !unverified.has(offset))
    .flatMap(({ meanings }) => meanings);
}

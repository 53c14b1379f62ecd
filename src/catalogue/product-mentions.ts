import { ref } from '@mikro-orm/core';
import { Message } from '../messages/message.entity.js';
import { MessageStatus } from '../messages/message.enums.js';
import { newId } from '../platform/db/ids.js';
import type { EntityManager } from '../platform/db/orm.js';
import { inTransaction } from '../platform/db/transaction.js';
import { ProductMention } from './product-mention.entity.js';
import { Product } from './product.entity.js';

/**
 * Stores that an answer shows a product, as the product is now.
 * @returns null if there is no such product, or if the lease of the answer was lost
 */
export async function addProductMention(
  em: EntityManager,
  answer: { id: string; leaseOwner: string },
  sku: string,
  offset: number,
): Promise<ProductMention | null> {
  const product = await em.findOne(Product, { sku });
  if (!product) return null;
  const { title, url, imageUrl, price, currency, available } = product;
  const facts = { sku, title, url, imageUrl, price, currency, available };
  return await inTransaction(em.fork(), async (tx) => {
    const { id, leaseOwner } = answer;
    const locked = await tx.execute<{ id: string }[]>(
      `update messages set product_count = product_count + 1
       where id = ? and lease_owner = ? and status = '${MessageStatus.STREAMING}' returning id`,
      [id, leaseOwner],
    );
    if (locked.length === 0) return null;
    const mention = tx.create(ProductMention, {
      ...facts,
      id: newId(),
      answer: ref(Message, id),
      offset,
      checkedAt: new Date(),
    });
    await tx.persist(mention).flush();
    return mention;
  });
}

/** Batch function for context.load(): the products that each answer shows, by their places. It does not check ownership. */
export async function findProductMentions(
  em: EntityManager,
  answerIds: readonly string[],
): Promise<ProductMention[][]> {
  const mentions = await em.find(
    ProductMention,
    { answer: { $in: [...answerIds] } },
    { orderBy: { answer: 'asc', offset: 'asc', id: 'asc' } },
  );
  const byAnswer = Map.groupBy(mentions, ({ answer }) => answer.id);
  return answerIds.map((id) => byAnswer.get(id) ?? []);
}

/** Batch function for context.load(): products by their SKUs. */
export async function findProductsBySku(em: EntityManager, skus: readonly string[]): Promise<(Product | null)[]> {
  const found = new Map((await em.find(Product, { sku: { $in: [...skus] } })).map((row) => [row.sku, row]));
  return skus.map((sku) => found.get(sku) ?? null);
}

/** Moves products behind the end of a text that was stored incompletely to its end. */
export async function clampProductMentions(em: EntityManager, answerId: string, length: number): Promise<void> {
  await em.nativeUpdate(ProductMention, { answer: answerId, offset: { $gt: length } }, { offset: length });
}

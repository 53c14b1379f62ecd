import { parse, type DocumentNode } from 'graphql';
import type { MergeableMessage, MergeableProduct } from '../chat/merge-message.js';

/** What a cache has to write so that a message is shown with what it has grown by. */
export interface GrownPart {
  fragment: DocumentNode;
  data: { __typename: 'Message'; id: string; [field: string]: unknown };
}

const TEXT = parse(`
  fragment GrownText on Message {
    id
    status
    content
    reasoning
  }
`);

const CALLS = parse(`
  fragment GrownCalls on Message {
    id
    toolCalls {
      id
      name
      state
      offset
    }
  }
`);

const PRODUCTS = parse(`
  fragment GrownProducts on Message {
    id
    products {
      id
      offset
      product {
        sku
        title
        url
        imageUrl
        price {
          amount
          currency
        }
        available
        checkedAt
      }
    }
  }
`);

/** Returns the parts of a message that grows. Look-ups and products are left out if an operation selects less of them. */
export function toGrownParts(message: MergeableMessage): GrownPart[] {
  const { id, status, content = '', reasoning = null, toolCalls = [], products = [] } = message;
  const owner = { __typename: 'Message' as const, id };
  const parts: GrownPart[] = [{ fragment: TEXT, data: { ...owner, status, content, reasoning } }];
  const areCallsWhole = toolCalls.every((call) => call.name !== undefined && call.state && call.offset !== undefined);
  if (toolCalls.length > 0 && areCallsWhole) {
    const calls = toolCalls.map(({ id, name, state, offset }) => ({ __typename: 'ToolCall', id, name, state, offset }));
    parts.push({ fragment: CALLS, data: { ...owner, toolCalls: calls } });
  }
  if (products.length > 0 && products.every(isWhole)) parts.push({ fragment: PRODUCTS, data: { ...owner, products } });
  return parts;
}

const PRODUCT_FIELDS = ['sku', 'title', 'url', 'imageUrl', 'price', 'available', 'checkedAt'];

function isWhole(mention: MergeableProduct & { product?: unknown }): boolean {
  const { offset, product } = mention;
  if (offset === undefined || typeof product !== 'object' || product === null) return false;
  if (!PRODUCT_FIELDS.every((field) => field in product)) return false;
  const { price } = product as { price: object | null };
  return price === null || ('amount' in price && 'currency' in price);
}

import { parse } from 'graphql';
import type { MergeableMessage } from '../chat/merge-message.js';

export const GROWN_CALLS = parse(`
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

/** Returns what to write as `GROWN_CALLS`, or null if no look-ups are known, or an operation does not select all of that. */
export function toGrownCalls({ id, toolCalls = [] }: MergeableMessage) {
  const isWhole = toolCalls.every((call) => call.name !== undefined && call.state && call.offset !== undefined);
  if (toolCalls.length === 0 || !isWhole) return null;
  const calls = toolCalls.map(({ id, name, state, offset }) => ({ __typename: 'ToolCall', id, name, state, offset }));
  return { __typename: 'Message', id, toolCalls: calls };
}

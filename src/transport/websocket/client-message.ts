import { isRecord } from '../../platform/json/is-record.js';

/**
 * Returns the parsed message of a client without the members that the protocol does not have: graphql-ws keeps the message
 * while its operation lasts, and the payload of `connection_init` while the WebSocket is open. A text that is no JSON object
 * is returned as it is, for graphql-ws to refuse it.
 */
export function readMessage(text: string): string {
  const message = parse(text);
  if (!isRecord(message)) return text;
  const { id, type, payload } = message;
  // graphql-ws parses only texts, though its types do not tell.
  return { id, type, payload: isRecord(payload) ? pickKnown(type, payload) : payload } as unknown as string;
}

function pickKnown(type: unknown, payload: Record<string, unknown>): Record<string, unknown> {
  if (type === 'connection_init') return { authorization: payload['authorization'] };
  if (type !== 'subscribe') return payload;
  const { query, documentId, operationName, variables, extensions } = payload;
  return { query, documentId, operationName, variables, extensions };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

import type { IncomingMessage } from 'node:http';
import { newId } from '../../platform/db/ids.js';

const WELL_FORMED = /^[\w.:-]{1,128}$/;

const ids = new WeakMap<IncomingMessage, string>();

/** Returns the request's `x-request-id` header if it is well-formed, or else a new id; the same one at every call. */
export function getRequestId(request: IncomingMessage): string {
  let id = ids.get(request);
  if (id === undefined) {
    const header = request.headers['x-request-id'];
    id = typeof header === 'string' && WELL_FORMED.test(header) ? header : newId();
    ids.set(request, id);
  }
  return id;
}

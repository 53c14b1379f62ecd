import type { IncomingMessage } from 'node:http';
import { newId } from '../db/ids.js';

const WELL_FORMED = /^[\w.:-]{1,128}$/;

/** The caller's `x-request-id` where it is well formed, else a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && WELL_FORMED.test(given) ? given : newId();
}

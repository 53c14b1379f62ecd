import { ModelError, type PromptMessage } from '../../platform/model/chat-model.js';
import type { Finding } from '../finding.js';
import type { Probe } from './probe.js';

const SUBJECT = 'Stop';

const LONG: PromptMessage[] = [
  { role: 'user', content: 'Count from 1 to 500 in words, one number a line. Leave nothing out.' },
];
const SHORT: PromptMessage[] = [{ role: 'user', content: 'Say: ready.' }];

/**
 * Stops an answer at its first text, and asks again: a server with few slots that goes on generating lets the next
 * answer wait. @throws ModelError if the first call fails
 */
export async function checkStop(probe: Probe): Promise<Finding> {
  if (!(await stopAtFirstText(probe))) return { subject: SUBJECT, state: 'skipped', text: 'the answer was too short' };
  const startedAt = performance.now();
  try {
    let firstTextMs: number | null = null;
    const { usage } = await probe.model.stream(SHORT, {
      signal: new AbortController().signal,
      onAttempt: probe.onAttempt,
      onText: () => (firstTextMs ??= performance.now() - startedAt),
      onReasoning: () => {},
    });
    probe.count(usage);
    const seconds = ((firstTextMs ?? 0) / 1000).toFixed(1);
    const text = `the next answer begins after ${seconds} s`;
    return { subject: SUBJECT, state: 'ok', text, way: 'the connection is closed' };
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    const text = `the next answer is ${error.code}: the server may go on generating`;
    return { subject: SUBJECT, state: 'warning', text, way: 'raise OPENAI_TIMEOUT' };
  }
}

/** Returns false if the answer was complete before it could be stopped. */
async function stopAtFirstText({ model, onAttempt }: Probe): Promise<boolean> {
  const stop = new AbortController();
  const abort = () => stop.abort();
  try {
    await model.stream(LONG, { signal: stop.signal, onAttempt, onText: abort, onReasoning: abort });
    return false;
  } catch (error) {
    if (error === stop.signal.reason) return true;
    throw error;
  }
}

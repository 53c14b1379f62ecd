import type { Completion } from '../../platform/model/chat-model.js';
import type { Finding } from '../finding.js';
import type { Probe } from './probe.js';

const QUESTION = 'Count from 1 to 20 in digits, separated by commas.';

/**
 * Requests an answer, and reports what the request and the answer may consist of.
 * @param instructions the system prompt of all answers
 * @throws ModelError if there is no answer
 */
export async function checkAnswer(probe: Probe, instructions: string): Promise<Finding[]> {
  const startedAt = performance.now();
  let firstTextMs = 0;
  let pieces = 0;
  let reasoning = 0;
  const completion = await probe.model.stream(
    [
      { role: 'system', content: instructions },
      { role: 'user', content: QUESTION },
    ],
    {
      signal: new AbortController().signal,
      onAttempt: probe.onAttempt,
      onText() {
        if (pieces === 0) firstTextMs = performance.now() - startedAt;
        pieces += 1;
      },
      onReasoning: (text) => void (reasoning += text.length),
    },
  );
  probe.count(completion.usage);
  return [
    describeStreaming(completion, pieces, firstTextMs),
    describeReasoning(reasoning),
    describeUsage(completion, probe),
    describeInstructions(probe),
    describeOutputLimit(probe),
    ...describeSettings(probe),
  ];
}

function describeStreaming({ model }: Completion, pieces: number, firstTextMs: number): Finding {
  const text = `${model}, first text after ${(firstTextMs / 1000).toFixed(1)} s`;
  return pieces > 1
    ? { subject: 'Answer', state: 'ok', text, way: 'streamed' }
    : { subject: 'Answer', state: 'warning', text: `${text}, in one piece`, way: 'shown when it is complete' };
}

const describeReasoning = (length: number): Finding =>
  length > 0
    ? { subject: 'Reasoning', state: 'ok', text: 'sent', way: 'shown apart from the answer, in no later prompt' }
    : { subject: 'Reasoning', state: 'skipped', text: 'none' };

function describeUsage({ usage }: Completion, { learned }: Probe): Finding {
  const isRefused = learned.get('streamOptions') === false;
  const subject = 'Usage';
  if (usage) {
    const text = isRefused ? 'reported, but stream_options are refused' : 'reported';
    return { subject, state: 'ok', text, way: isRefused ? 'taken, without stream_options' : 'taken' };
  }
  const text = isRefused ? 'stream_options are refused' : 'not reported';
  return { subject, state: 'warning', text, way: 'estimated with a tokenizer' };
}

const describeInstructions = ({ learned }: Probe): Finding =>
  learned.get('systemRole') === false
    ? {
        subject: 'Instructions',
        state: 'warning',
        text: 'the role system is refused',
        way: 'in front of the first message of the user',
      }
    : { subject: 'Instructions', state: 'ok', text: 'the role system is accepted', way: 'sent as such' };

function describeOutputLimit({ learned, provider: { maxOutputTokens } }: Probe): Finding {
  const subject = 'Length';
  const parameter = learned.get('outputLimitParameter');
  if (parameter === null)
    return { subject, state: 'warning', text: 'no limit is accepted', way: `cut here at ${maxOutputTokens} tokens` };
  const most = learned.get('maxOutputTokens');
  if (typeof most === 'number')
    return { subject, state: 'warning', text: `at most ${most} tokens`, way: `set MAX_OUTPUT_TOKENS=${most} or less` };
  const text = parameter === undefined ? 'the limit is accepted' : `only ${String(parameter)} is accepted`;
  return { subject, state: 'ok', text, way: `at most MAX_OUTPUT_TOKENS=${maxOutputTokens}` };
}

/** The settings that are sent only if the operator wants them. */
function describeSettings({ learned, provider: { temperature, reasoningEffort } }: Probe): Finding[] {
  const describe = (subject: string, isRefused: boolean): Finding =>
    isRefused
      ? { subject, state: 'warning', text: 'refused', way: `left out; remove ${subject}` }
      : { subject, state: 'ok', text: 'accepted', way: 'sent' };
  return [
    ...(temperature === null ? [] : [describe('TEMPERATURE', learned.get('temperature') === false)]),
    ...(reasoningEffort === null ? [] : [describe('REASONING_EFFORT', learned.get('reasoningEffort') === false)]),
  ];
}

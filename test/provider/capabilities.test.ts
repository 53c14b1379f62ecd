import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import { NO_EXTRAS } from '../../src/platform/config/provider.js';
import {
  assumeCapabilities,
  CapabilityRecord,
  type Capabilities,
  type LearnedCapability,
} from '../../src/platform/model/capabilities.js';
import type { PromptMessage } from '../../src/platform/model/chat-model.js';
import { OpenAIChatModel } from '../../src/platform/model/openai-chat-model.js';
import { fc } from '../kit/property.js';
import { DONE, finishEvent, RawProvider, textEvent, type RawHandler } from '../kit/raw-provider.js';

const PROMPT: PromptMessage[] = [
  { role: 'system', content: 'Name it.' },
  { role: 'user', content: 'Tents' },
];
const FORMAT = { name: 'title', schema: z.object({ title: z.string() }) };
const SIGNAL = new AbortController().signal;

type Body = Parameters<RawHandler>[2];

/** What a server may refuse, in the order in which it looks. */
const REFUSALS: Record<string, { refuses: (body: Body) => boolean; message: string }> = {
  system: {
    refuses: ({ messages }) => messages.some(({ role }) => role === 'system'),
    message: 'System role not supported',
  },
  streamOptions: { refuses: (body) => 'stream_options' in body, message: 'Unknown argument: stream_options' },
  temperature: { refuses: (body) => 'temperature' in body, message: "'temperature' is not supported" },
  reasoningEffort: { refuses: (body) => 'reasoning_effort' in body, message: 'Unknown: reasoning_effort' },
  maxTokens: {
    refuses: (body) => 'max_tokens' in body,
    message: "'max_tokens' is not supported. Use 'max_completion_tokens' instead.",
  },
  everyLimit: {
    refuses: (body) => 'max_tokens' in body || 'max_completion_tokens' in body,
    message: 'Neither max_tokens nor max_completion_tokens is supported.',
  },
  jsonSchema: {
    refuses: (body) => (body['response_format'] as { type?: string } | undefined)?.type === 'json_schema',
    message: 'This response_format is unavailable.',
  },
  responseFormat: { refuses: (body) => 'response_format' in body, message: 'nope' },
};

describe('whatever a provider refuses, and wherever its bytes are split', () => {
  /** What a provider refuses, and how it responds. */
  interface Run {
    refused: string[];
    status: number;
    /** Where the responses are cut: shares of their length. */
    cuts: number[];
  }
  const runs: fc.Arbitrary<Run> = fc.record({
    refused: fc.shuffledSubarray(Object.keys(REFUSALS)),
    status: fc.constantFrom(400, 422),
    cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }),
  });

  let provider: RawProvider;
  let current: Run;
  beforeAll(async () => {
    provider = await RawProvider.start(async (_request, response, body) => {
      const refusal = current.refused.map((name) => REFUSALS[name]!).find(({ refuses }) => refuses(body));
      const text = refusal
        ? JSON.stringify({ error: { message: refusal.message } })
        : textEvent('Sure 🌱: {"title":') + textEvent('"Tents"}') + finishEvent('stop') + DONE;
      const type = refusal ? 'application/json' : 'text/event-stream';
      response.writeHead(refusal ? current.status : 200, { 'content-type': type });
      for (const chunk of cut(text, current.cuts)) {
        response.write(chunk);
        await turn();
      }
      response.end();
    });
  });
  afterAll(() => provider[Symbol.asyncDispose]());

  function cut(text: string, cuts: readonly number[]): Buffer[] {
    const bytes = Buffer.from(text);
    const edges = [...cuts.map((share) => Math.floor(share * bytes.length)).toSorted((a, b) => a - b), bytes.length];
    return edges.map((to, i) => bytes.subarray(edges[i - 1] ?? 0, to));
  }

  /** Asks for an answer and a title, twice. Returns what was learned, and the requests of each time. */
  async function ask(run: Run) {
    current = run;
    const learned: LearnedCapability[] = [];
    using model = new OpenAIChatModel(
      {
        ...NO_EXTRAS,
        apiKey: null,
        baseUrl: provider.baseUrl,
        model: 'm',
        timeout: 60_000,
        maxRetries: 0,
        maxOutputTokens: 100,
        temperature: 0.5,
        reasoningEffort: 'low',
      },
      (one) => learned.push(one),
    );
    const requests: Body[][] = [];
    let text = '';
    for (let i = 0; i < 2; i += 1) {
      const before = provider.bodies.length;
      const onText = (piece: string) => void (text += piece);
      await model.stream(PROMPT, { onText, onReasoning: () => {}, signal: SIGNAL });
      const { value } = await model.structured(PROMPT, FORMAT, { signal: SIGNAL });
      text += value.title;
      requests.push(provider.bodies.slice(before));
    }
    return { text, learned, requests };
  }

  test('everything is answered, and each refusal is found out once', async () => {
    await fc.assert(
      fc.asyncProperty(runs, async (run) => {
        const { text, learned, requests } = await ask(run);
        expect(text).toBe('Sure 🌱: {"title":"Tents"}Tents'.repeat(2));
        // The second answer and title are asked for once each.
        expect(requests[1]).toHaveLength(2);
        const names = learned.map(({ capability }) => capability);
        expect(new Set(names).size).toBe(names.length);
        expect(await ask({ ...run, cuts: [] })).toEqual({ text, learned, requests });
      }),
      { numRuns: 60 },
    );
  });
});

test('requests that overlap learn the same, in whatever order they end', () => {
  const initial = assumeCapabilities(null);
  const changes: fc.Arbitrary<Partial<Capabilities>> = fc.record(
    {
      structuredMode: fc.constant<'text'>('text'),
      streamOptions: fc.constant(false),
      systemRole: fc.constant(false),
      temperature: fc.constant(false),
      reasoningEffort: fc.constant(false),
      outputLimitParameter: fc.constant(null),
    },
    { requiredKeys: [] },
  );
  const learn = (all: readonly Partial<Capabilities>[]) => {
    const learned: LearnedCapability[] = [];
    const record = new CapabilityRecord(initial, (one) => learned.push(one));
    // All begin before the first one ends.
    for (const change of all) record.learn(initial, { ...initial, ...change });
    return { record: record.current, learned };
  };
  fc.assert(
    fc.property(
      fc
        .array(changes, { maxLength: 5 })
        .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
      ([all, shuffled]) => {
        const first = learn(all);
        const second = learn(shuffled);
        expect(second.record).toEqual(first.record);
        expect(first.record).toEqual(Object.assign({}, initial, ...all));
        const names = first.learned.map(({ capability }) => capability);
        expect(new Set(names).size).toBe(names.length);
        expect(second.learned.map(({ capability }) => capability).toSorted()).toEqual(names.toSorted());
      },
    ),
    { numRuns: 500 },
  );
});

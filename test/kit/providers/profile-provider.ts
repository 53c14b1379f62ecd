import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { countPromptTokens } from '../../../src/platform/model/openai-request.js';
import { METADATA } from '../fake-provider.js';
import { RawProvider, type RawHandler } from '../raw-provider.js';

interface Condition {
  /** The request has this member. */
  has?: string;
  /** A member of the request, by its path, has this value. */
  equals?: [path: string, value: unknown];
  /** The prompt and `max_tokens` together are more than this. */
  exceedsContext?: number;
  /** The prompt has a message with this role. */
  hasRole?: string;
  /** No message of the prompt contains this word. */
  promptLacks?: string;
}

interface ProfileError {
  status: number;
  /** One of these three. */
  body?: unknown;
  stream?: unknown;
  raw?: string;
  code: string;
}

export interface Profile {
  name: string;
  /** The response to `GET /models`. */
  models?: unknown;
  refusals: { when: Condition; status: number; body: unknown }[];
  ignoresResponseFormat?: boolean;
  stream: { comment?: string; before: unknown[]; text: unknown; after: unknown[]; usage: unknown[] };
  reportsUsage: boolean;
  structured: string;
  /** The chunks of a call of the first tool, if the request has tools; `$NAME` is replaced by its name. */
  toolCall?: unknown[];
  errors: ProfileError[];
}

export const TITLE = 'A generated title';

type Body = Parameters<RawHandler>[2];

export function readProfiles(): Profile[] {
  const folder = import.meta.dirname;
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  return files.map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile);
}

/**
 * Starts a provider that behaves as a profile says. It echoes questions; `fail 2` is answered with the profile's third
 * error, and `wait` with one token and silence.
 */
export const startProfileProvider = (profile: Profile): Promise<RawProvider> =>
  RawProvider.start((request, response, body) => {
    const send = (status: number, type: string, text: string) =>
      void response.writeHead(status, { 'content-type': type }).end(text);
    if (request.method === 'GET')
      return send(profile.models ? 200 : 404, 'application/json', JSON.stringify(profile.models ?? {}));
    const refusal = profile.refusals.find(({ when }) => matches(body, when));
    if (refusal) return send(refusal.status, 'application/json', describeRefusal(refusal.body, body));
    const question = body.messages.findLast(({ role }) => role === 'user')!.content;
    const error = profile.errors[Number(/fail (\d)$/.exec(question)?.[1])];
    if (error?.body) return send(error.status, 'application/json', JSON.stringify(error.body));
    if (error) return send(error.status, 'text/event-stream', error.raw ?? toEvent(error.stream));

    const { comment, before, text, after, usage } = profile.stream;
    const sendsUsage = 'stream_options' in body;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (comment) response.write(`: ${comment}\n\n`);
    for (const chunk of before) response.write(toEvent(chunk));
    const { tools } = body as { tools?: { function: { name: string } }[] };
    if (tools && profile.toolCall) {
      for (const chunk of profile.toolCall) response.write(toEvent(chunk).replace('$NAME', tools[0]!.function.name));
      return void response.end('data: [DONE]\n\n');
    }
    for (const token of splitTokens(toText(profile, body, question))) {
      response.write(toEvent(text).replace('"$TEXT"', () => JSON.stringify(token)));
      if (/wait$/.test(question)) return;
    }
    for (const chunk of [...after, ...(sendsUsage ? usage : [])]) response.write(toEvent(chunk));
    response.end('data: [DONE]\n\n');
  });

/** What a model says: an echo, or the object that the request's schema describes. */
function toText(profile: Profile, body: Body, question: string): string {
  const prompt = JSON.stringify(body.messages);
  const format = JSON.stringify(body['response_format'] ?? '');
  const schema = prompt.includes('JSON schema') ? prompt : profile.ignoresResponseFormat ? '' : format;
  if (schema.includes('saleStatus')) return profile.structured.replace('$JSON', () => JSON.stringify(METADATA));
  if (schema.includes('title')) return profile.structured.replace('$JSON', () => JSON.stringify({ title: TITLE }));
  return `You asked: ${question.split('\n').at(-1)}`;
}

/** The figures in a refusal are those of the request. */
const describeRefusal = (refusal: unknown, body: Body): string =>
  JSON.stringify(refusal)
    .replaceAll('$PROMPT_TOKENS', String(countPromptTokens(body.messages)))
    .replaceAll('$MAX_TOKENS', String(body['max_tokens']));

function matches(body: Body, { has, equals, exceedsContext, hasRole, promptLacks }: Condition): boolean {
  const at = (path: string) =>
    path.split('.').reduce<unknown>((value, key) => (value as Body | undefined)?.[key], body);
  return (
    (!has || has in body) &&
    (!equals || at(equals[0]) === equals[1]) &&
    (!exceedsContext || countPromptTokens(body.messages) + Number(body['max_tokens'] ?? 0) > exceedsContext) &&
    (!hasRole || body.messages.some(({ role }) => role === hasRole)) &&
    (!promptLacks || !JSON.stringify(body.messages).toLowerCase().includes(promptLacks))
  );
}

const toEvent = (chunk: unknown): string => `data: ${JSON.stringify(chunk)}\n\n`;

const splitTokens = (text: string): string[] => text.match(/.{1,7}/gsu) ?? [];

import type { Attacker } from '../../attack/attacker.js';
import { Received } from '../connection.js';
import { createDamagedOperation, createDamagedRequest, createOperation } from '../operations.js';
import type { Random } from '../random.js';
import { createText, createValue } from '../values.js';
import type { FuzzKind, World } from '../world.js';

const QUIET_MS = 120;

const PATHS = ['/graphql/stream', '/graphql'];

const create = (random: Random, { ids }: World): Record<string, unknown> => ({
  ...random.pick([createOperation, createOperation, createDamagedOperation, createDamagedRequest])(random, ids),
});

/** Sends operations to event streams: a request for each, or several on a stream that is reserved first. */
export const fuzzEventStream: FuzzKind = (random, world) =>
  random.chance(0.4) ? requestDistinct(random, world) : useReserved(random, world);

/** Reads the events until none has come for some time, because a subscription has no end. */
async function open(client: Attacker, world: World, lines: readonly string[], body = ''): Promise<() => Promise<void>> {
  const socket = await client.connect();
  const received = new Received(socket, world.now);
  const token = client.token === null ? [] : [`authorization: Bearer ${client.token}`];
  const headers = [...lines, 'host: x', ...token, `content-length: ${Buffer.byteLength(body)}`];
  socket.write(`${headers.map((line) => `${toHeader(line)}\r\n`).join('')}\r\n${body}`);
  return async () => {
    if (!(await received.until((bytes) => bytes.length > 0, world.maxWaitMs)) && !received.isClosed)
      world.problems.push('no response to the request of an event stream');
    await received.quiet(QUIET_MS);
    socket.destroy();
    world.checkText(received.bytes.toString());
  };
}

const toHeader = (line: string): string => line.replace(/[\r\n\0]/g, ' ');

async function requestDistinct(random: Random, world: World): Promise<void> {
  using client = world.createClient(random);
  const path = random.pick(PATHS);
  const operation = create(random, world);
  const accept = `accept: ${random.pick(['text/event-stream', 'text/event-stream', '*/*', 'text/event-stream;q=0', 'x'])}`;
  const finish = random.chance(0.7)
    ? await open(client, world, [`POST ${path} HTTP/1.1`, accept, 'content-type: application/json'], JSON.stringify(operation))
    : await open(client, world, [`GET ${path}?${toParameters(operation)} HTTP/1.1`, accept]); // prettier-ignore
  await finish();
}

function toParameters(operation: Record<string, unknown>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(operation))
    parameters.append(name, typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
  return parameters.toString().slice(0, 8_000);
}

/** PUT reserves a stream, GET opens it, POST starts an operation, DELETE completes one: in any order, and damaged. */
async function useReserved(random: Random, world: World): Promise<void> {
  using client = world.createClient(random, { isSignedIn: random.chance(0.95) });
  using other = world.createClient(random, { isSignedIn: true });
  const reserve = async () => {
    const reply = await client.send({ method: 'PUT', path: '/graphql/stream', headers: { accept: '*/*' } });
    world.checkReply(reply);
    return /^[\w-]{36}$/.test(reply.body) ? reply.body : 'x';
  };
  let token = await reserve();
  const opened: (() => Promise<void>)[] = [];
  const send = async (method: string, body?: string, search = '') => {
    const sender = random.chance(0.95) ? client : other;
    const named = random.chance(0.95) ? token : random.pick(['x', '', '%', '__proto__', token.slice(1)]);
    const inQuery = random.chance(0.3);
    const path = `/graphql/stream?${inQuery ? `token=${encodeURIComponent(named)}` : ''}${search && `&${search}`}`;
    const headers = { accept: 'application/json', ...(inQuery ? {} : { 'x-graphql-event-stream-token': named }) };
    world.checkReply(await sender.send({ method, path, headers, body }));
  };
  const steps: (() => Promise<void>)[] = [
    () => send('POST', JSON.stringify(withOperationId(random, create(random, world)))),
    () => send('POST', JSON.stringify(withOperationId(random, create(random, world)))),
    () => send('POST', random.chance(0.5) ? JSON.stringify(createValue(random)) ?? '' : createText(random)),
    () => send('GET', undefined, toParameters(withOperationId(random, create(random, world)))),
    () => send('DELETE', undefined, `operationId=${encodeURIComponent(random.pick(['1', '2', '', createText(random).toWellFormed().slice(0, 500)]))}`),
    () => send('DELETE'),
    () => send('HEAD'),
    () => send('PUT'),
    async () => {
      const finish = await open(client, world, [`GET /graphql/stream?token=${token} HTTP/1.1`, 'accept: text/event-stream']);
      opened.push(finish);
    },
    async () => {
      if (random.chance(0.2)) token = await reserve();
    },
  ]; // prettier-ignore
  if (random.chance(0.6)) await steps.at(-2)!();
  for (let i = random.int(1, 8); i > 0; i -= 1) await random.pick(steps)();
  await Promise.all(opened.map((finish) => finish()));
}

const withOperationId = (random: Random, operation: Record<string, unknown>): Record<string, unknown> => ({
  ...operation,
  extensions: random.chance(0.9) ? { operationId: random.chance(0.9) ? random.pick(['1', '2']) : createValue(random, 1) } : operation['extensions'],
}); // prettier-ignore

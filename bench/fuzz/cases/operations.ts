import { createDamagedOperation, createDamagedRequest, createOperation, type FuzzedOperation } from '../operations.js';
import type { Random } from '../random.js';
import { createDeepJson } from '../values.js';
import type { FuzzKind, World } from '../world.js';

const ACCEPT = [
  'application/json',
  'application/graphql-response+json',
  'application/graphql-response+json, application/json;q=0.9',
];

/** Sends documents: those of the schema, and damaged ones. */
export const fuzzDocument: FuzzKind = (random, world) =>
  post(
    random,
    world,
    random.chance(0.3) ? createOperation(random, world.ids) : createDamagedOperation(random, world.ids),
  );

/** Sends variables and the other members of a request with any type. */
export const fuzzVariables: FuzzKind = (random, world) => post(random, world, createDamagedRequest(random, world.ids));

async function post(random: Random, world: World, operation: FuzzedOperation): Promise<void> {
  using client = world.createClient(random);
  const headers = { accept: random.pick(ACCEPT), 'apollo-require-preflight': '1' };
  if (random.chance(0.15)) {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(operation))
      if (value !== undefined) parameters.append(name, typeof value === 'string' ? value : JSON.stringify(value));
    const path = `/graphql?${parameters.toString().slice(0, 12_000)}`;
    world.checkReply(await client.send({ method: 'GET', path, headers }));
    return;
  }
  const body = random.chance(0.03)
    ? `{"query":"query ($a: Int) { me { id } }","variables":${createDeepJson(random)}}`
    : JSON.stringify(random.chance(0.03) ? [operation, operation] : operation);
  world.checkReply(await client.send({ headers, body }));
}

import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { print } from 'graphql';
import { MeDocument } from '../../client/src/generated/graphql.js';
import { readManifest } from '../../src/transport/documents/manifest.js';
import { AutomaticPersistedQueries } from '../../src/transport/documents/persisted-documents.js';
import { TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const hashOf = (text: string) => ({ persistedQuery: { version: 1, sha256Hash: sha256(text) } });
const ME = print(MeDocument);

interface Result {
  data?: Record<string, unknown> | null;
  errors?: { message: string; extensions: { code: string } }[];
}

/** The ways to send an operation to the first instance. */
const transports: [string, (client: ApiClient, server: TestServer, request: object) => Promise<Result>][] = [
  ['POST', (client, server, request) => send(client, server, '/graphql', 'application/json', request)],
  ['GET', (client, server, request) => get(client, server, '/graphql', 'application/json', request)],
  ['SSE by POST', (client, server, request) => send(client, server, '/graphql/stream', 'text/event-stream', request)],
  ['SSE by GET', (client, server, request) => get(client, server, '/graphql/stream', 'text/event-stream', request)],
  ['WebSocket', sendOverSocket],
];

async function send(client: ApiClient, server: TestServer, path: string, accept: string, request: object) {
  const headers = { accept, 'content-type': 'application/json', authorization: `Bearer ${client.accessToken}` };
  const init = { method: 'POST', headers, body: JSON.stringify(request) };
  return readResult(await fetch(`${server.server.url}${path}`, init));
}

async function get(client: ApiClient, server: TestServer, path: string, accept: string, request: object) {
  const parameters = Object.entries(request).map(([name, value]: [string, unknown]): [string, string] => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  const headers = { accept, authorization: `Bearer ${client.accessToken}` };
  return readResult(
    await fetch(`${server.server.url}${path}?${new URLSearchParams(parameters).toString()}`, { headers }),
  );
}

async function readResult(response: Response): Promise<Result> {
  const text = await response.text();
  return JSON.parse(/^data: (\{.*)$/m.exec(text)?.[1] ?? text) as Result;
}

async function sendOverSocket(client: ApiClient, _server: TestServer, request: object): Promise<Result> {
  return await new Promise<Result>((resolve, reject) => {
    client.socket.subscribe(
      { query: '', ...request },
      {
        next: (result) => resolve(result as Result),
        error: (errors) => (Array.isArray(errors) ? resolve({ errors: errors as never }) : reject(errors)),
        complete: () => {},
      },
    );
  });
}

describe.each(transports)('over %s', (name, request) => {
  test('a hash is unknown until its document was sent', async () => {
    await using server = await TestServer.start();
    const jane = await oneInstance(server);
    const query = `query ${name.replaceAll(' ', '')} { me { id } }`;
    const unknown = await request(jane, server, { extensions: hashOf(query) });
    expect(unknown.errors).toMatchObject([
      { message: 'PersistedQueryNotFound', extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } },
    ]);
    if (name === 'GET') await send(jane, server, '/graphql', 'application/json', { query, extensions: hashOf(query) });
    else expect((await request(jane, server, { query, extensions: hashOf(query) })).data).toMatchObject({ me: {} });
    expect((await request(jane, server, { extensions: hashOf(query) })).data).toMatchObject({ me: {} });
    expect((await request(jane, server, { documentId: `sha256:${sha256(query)}` })).data).toMatchObject({ me: {} });
  });

  test('a server with trusted documents runs them only', async () => {
    await using server = await TestServer.start({ TRUSTED_DOCUMENTS: 'only' });
    const jane = await oneInstance(server);
    for (const known of [
      { extensions: hashOf(ME) },
      { documentId: sha256(ME) },
      { documentId: `sha256:${sha256(ME)}` },
    ])
      expect((await request(jane, server, known)).data).toMatchObject({ me: {} });
    const other = 'query Me { me { id } }';
    const unknown = [{ extensions: hashOf(other) }, { query: other, extensions: hashOf(other) }, { documentId: 'x' }];
    for (const each of [...unknown, ...(name === 'GET' ? [] : [{ query: other }])])
      expect((await request(jane, server, each)).errors).toMatchObject([
        { extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } },
      ]);
  });
});

/** Each instance remembers documents for itself. */
async function oneInstance(server: TestServer): Promise<ApiClient> {
  const { accessToken } = await server.user();
  return server.client(accessToken, server.server.url);
}

test('a GET request with a text needs a preflight, and a mutation is not run by GET', async () => {
  await using server = await TestServer.start();
  const jane = await oneInstance(server);
  expect((await get(jane, server, '/graphql', 'application/json', { query: ME })).errors).toHaveLength(1);
  const query = 'mutation { logoutAll }';
  await send(jane, server, '/graphql', 'application/json', { query: 'query { me { id } }' });
  const { errors } = await get(jane, server, '/graphql', 'application/json', { query, extensions: hashOf(query) });
  expect(errors).toHaveLength(1);
  expect((await send(jane, server, '/graphql', 'application/json', { query: ME })).data).toMatchObject({ me: {} });
});

test('automatic persisted queries are bounded by their number and size', () => {
  const count = (documents: AutomaticPersistedQueries, texts: readonly string[]) =>
    texts.filter((text) => {
      try {
        return documents.resolve({ extensions: hashOf(text) }) === text;
      } catch {
        return false;
      }
    }).length;
  const register = (texts: readonly string[]) => {
    const documents = new AutomaticPersistedQueries();
    for (const query of texts) documents.resolve({ query, extensions: hashOf(query) });
    return count(documents, texts);
  };
  expect(register(Array.from({ length: 3_000 }, (_, i) => `{ a${i} }`))).toBe(1_000);
  expect(register(Array.from({ length: 100 }, (_, i) => `{ a${i} }${' '.repeat(90_000)}`))).toBeLessThanOrEqual(55);
  expect(register([`{ a }${' '.repeat(200_000)}`])).toBe(0);
});

describe("the operator's folder", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'parley-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (name: string, content: unknown) =>
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));

  test('adds manifests and documents to those of the server', async () => {
    const [apollo, codegen, file] = ['A', 'B', 'C'].map((name) => `query ${name} {\n  me {\n    id\n  }\n}`);
    write('apollo.json', {
      format: 'apollo-persisted-query-manifest',
      version: 1,
      operations: [{ id: sha256(apollo!), name: 'A', type: 'query', body: apollo }],
    });
    write('codegen.json', { [sha256(codegen!)]: codegen });
    write('c.graphql', `# The account\nquery C { me { id } }\n`);
    write('README.md', 'These are documents.');
    await using server = await TestServer.start({ TRUSTED_DOCUMENTS: 'only', TRUSTED_DOCUMENTS_FOLDER: folder });
    const jane = await oneInstance(server);
    for (const text of [apollo!, codegen!, file!, '# The account\nquery C { me { id } }\n', ME]) {
      const { data } = await send(jane, server, '/graphql', 'application/json', { extensions: hashOf(text) });
      expect(data).toMatchObject({ me: {} });
    }
  });

  test.each([
    ['a file that is not JSON', 'x.json', '{'],
    ['another kind of JSON', 'x.json', '[1]'],
    ['a document with a syntax error', 'x.graphql', 'query {'],
  ])('%s is reported with its path', (_description, name, content) => {
    write(name, content);
    expect(() => readManifest(folder)).toThrow(`Could not read the trusted documents in ${join(folder, name)}: `);
  });

  test('a folder that does not exist is reported', async () => {
    const starting = TestServer.start({
      TRUSTED_DOCUMENTS: 'only',
      TRUSTED_DOCUMENTS_FOLDER: `/nowhere/${randomUUID()}`,
    });
    await expect(starting).rejects.toThrow(/TRUSTED_DOCUMENTS_FOLDER/);
  });
});

import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { MySecurityEventsDocument, RequestDataExportDocument } from '../../client/src/generated/graphql.js';
import { DataExportLink } from '../../src/exports/data-export.entity.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import type { ApiClient } from '../kit/user.js';

interface Line {
  kind: string;
  [name: string]: unknown;
}

const parse = (text: string): Line[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

describe('requestDataExport', () => {
  let server: TestServer;
  beforeAll(async () => void (server = await TestServer.start()));
  afterAll(() => server[Symbol.asyncDispose]());

  const requestExport = async (user: ApiClient) => (await user.request(RequestDataExportDocument)).requestDataExport;

  test('returns a link to everything that is stored about the user, and nothing about others', async () => {
    const jane = await server.user({ name: 'Jane' });
    const john = await server.user();
    await john.ask('A secret of John', { stream: false });
    const { conversation } = await jane.ask('A tent, please', { stream: false, requestId: 'r-1' });
    for (let i = 0; i < 30; i += 1) await jane.ask(`More ${i}`, { conversationId: conversation.id, stream: false });
    await server.settled();
    const { url, expiresAt } = await requestExport(jane);
    expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(0);

    const response = await fetch(url);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/jsonl; charset=utf-8',
      'content-disposition': expect.stringMatching(/^attachment; filename=/),
      'cache-control': 'no-store',
    });
    const text = await response.text();
    const lines = parse(text);
    const find = (kind: string) => lines.filter((line) => line.kind === kind);
    expect(find('user')).toMatchObject([{ id: jane.id, email: jane.email, name: 'Jane' }]);
    expect(find('session')).toHaveLength(1);
    expect(find('securityEvent')).toMatchObject([{ type: 'REGISTERED' }, { type: 'DATA_EXPORTED' }]);
    expect(find('conversation')).toMatchObject([{ id: conversation.id }]);
    expect(find('message')).toHaveLength(62);
    expect(find('message')[0]).toMatchObject({ content: 'A tent, please', role: 'USER' });
    expect(find('request')).toMatchObject([{ requestId: 'r-1' }]);
    expect(find('usage').length).toBeGreaterThanOrEqual(31);
    expect(lines.at(-1)).toEqual({ kind: 'end', lines: lines.length - 1 });
    for (const secret of ['A secret of John', john.id, 'argon2', PASSWORD]) expect(text).not.toContain(secret);
    const { nodes } = (await jane.request(MySecurityEventsDocument)).mySecurityEvents;
    expect(nodes[0]).toMatchObject({ type: 'DATA_EXPORTED' });
  });

  test('the link works once, also for concurrent requests, and HEAD does not use it', async () => {
    const jane = await server.user();
    const { url } = await requestExport(jane);
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(405);
    const responses = await Promise.all(Array.from({ length: 6 }, () => fetch(url)));
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 404, 404, 404, 404, 404]);
    for (const response of responses) await response.text();
    expect((await fetch(url)).status).toBe(404);
  });

  test('the link expires, and its token is stored as a hash', async () => {
    const jane = await server.user();
    const { url } = await requestExport(jane);
    const links = await server.em.find(DataExportLink, {});
    expect(JSON.stringify(links)).not.toContain(url.split('/').at(-1));
    await server.em.nativeUpdate(DataExportLink, {}, { expiresAt: new Date() });
    expect((await fetch(url)).status).toBe(404);
    expect((await fetch(`${server.url}/exports/unknown`)).status).toBe(404);
    expect(await server.anyone.getErrorCode(RequestDataExportDocument)).toBe('UNAUTHENTICATED');
  });

  test('a slow reader receives everything at its own pace', async () => {
    const jane = await server.user();
    const { conversation } = await jane.ask('x'.repeat(30_000), { stream: false });
    for (let i = 0; i < 40; i += 1)
      await jane.ask('y'.repeat(30_000), { conversationId: conversation.id, stream: false });
    const { url } = await requestExport(jane);
    const asked = request(url).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.pause();
    // Other requests do not wait for the reader.
    for (let i = 0; i < 5; i += 1) await jane.request('{ me { id } }');
    const parts: Buffer[] = [];
    for await (const part of response) parts.push(part as Buffer);
    const lines = parse(Buffer.concat(parts).toString());
    expect(lines.filter(({ kind }) => kind === 'message')).toHaveLength(82);
    expect(lines.at(-1)!.kind).toBe('end');
  });
});

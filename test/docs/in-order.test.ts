import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';
import { EXAMPLES } from '../../playground/examples.js';
import {
  A_NEW_EMAIL,
  LAST_ANSWER,
  LAST_CONVERSATION,
  replacePlaceholders,
  YOUR_EMAIL,
  YOUR_REFRESH_TOKEN,
} from '../../playground/placeholders.js';
import * as documents from '../../client/src/generated/graphql.js';
import { BROWSER } from '../kit/browser.js';
import { getBlocksToRun, type Block } from '../kit/documents.js';
import type { Instance } from '../kit/instance.js';
import { ParleyFolder } from '../kit/parley-folder.js';
import { until } from '../kit/until.js';
import { ApiClient } from '../kit/user.js';
import { compareOutput } from './compare-output.js';
import { SamplePage } from './sample-page.js';
import { SampleProject } from './sample-project.js';

/** The address in the documents. */
const ADDRESS = '127.0.0.1:4000';
/** The account of the README's first conversation. */
const JANE = { email: 'jane@example.com', password: 'correct horse battery' };

/** The parts of results that later examples use. */
type Result = Record<
  string,
  | null
  | boolean
  | number
  | {
      answer?: { id: string };
      conversation?: { id: string };
      user?: { email: string };
      accessToken?: string;
      refreshToken?: string;
    }
>;

const ASK = `
accessToken = process.env.TOKEN!;
await ask('Hello!', (text) => console.log(text));
`;

/** Signs in, as the first sample does. */
const SESSION = `
import { AnswerStreamDocument, AskQuestionDocument, createSession, MessageDocument } from '@parley/client';
const session = createSession({ url: 'http://127.0.0.1:4000/graphql' });
await session.signIn(${JSON.stringify(JANE)});
`;

/** What surrounds the samples of docs/clients.md, by an import of each, and what it prints in the end. */
const SAMPLES: Record<string, { before?: string; after: string; prints: RegExp }> = {
  "'@parley/client/apollo'": {
    before: SESSION,
    after: `
      const { data } = await client.mutate({ mutation: AskQuestionDocument, variables: { input: { question: 'Hello!' } } });
      const query = { query: MessageDocument, variables: { id: data!.askQuestion.answer.id } };
      await client.query(query);
      client.watchQuery(query).subscribe(({ data }) => console.log(data?.message?.status, data?.message?.content));
      client.subscribe({ query: AnswerStreamDocument, variables: { answerId: query.variables.id } }).subscribe({});`,
    prints: /^STREAMING [^]*^COMPLETED .*built-in demo/m,
  },
  "'@parley/client/urql'": {
    before: SESSION,
    after: `
      const { data } = await client.mutation(AskQuestionDocument, { input: { question: 'Hello!' } }).toPromise();
      const { id } = data!.askQuestion.answer;
      client.query(MessageDocument, { id }).subscribe(({ data }) => console.log(data?.message?.status, data?.message?.content));
      client.subscription(AnswerStreamDocument, { answerId: id }).subscribe(() => {});`,
    prints: /^STREAMING [^]*^COMPLETED .*built-in demo/m,
  },
  PersistedQueryLink: {
    before: `
      import { createHash } from 'node:crypto';
      import { ApolloClient, HttpLink, InMemoryCache } from '@apollo/client';
      import { MeDocument } from '@parley/client';
      import { cacheExchange, Client, fetchExchange } from 'urql';
      const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
      const url = 'http://127.0.0.1:4000/graphql';
      const headers = { authorization: 'Bearer ' + process.env.TOKEN };
      const httpLink = new HttpLink({ uri: url, headers });`,
    after: `
      const apollo = new ApolloClient({ link, cache: new InMemoryCache() });
      console.log('Apollo', (await apollo.query({ query: MeDocument })).data!.me.email);
      const client = new Client({ url, exchanges, preferGetMethod: false, fetchOptions: { headers } });
      console.log('urql', (await client.query(MeDocument, {}).toPromise()).data!.me.email);`,
    prints: /^Apollo jane@example.com\n(.*\n)*urql jane@example.com/m,
  },
  fetchSubscriptions: {
    before: `
      import { AnswerStreamDocument } from '@parley/client';
      import { cacheExchange, Client, fetchExchange } from 'urql';
      const authorization = () => ({ authorization: 'Bearer ' + process.env.TOKEN });`,
    after: `
      client.subscription(AnswerStreamDocument, { answerId: process.env.ANSWER! })
        .subscribe(({ data }) => console.log(JSON.stringify(data)));`,
    prints: /"status":"COMPLETED"/,
  },
  "'@apollo/client'": { after: ASK, prints: /built-in demo.*\?$/m },
  "'urql'": { after: ASK, prints: /built-in demo.*\?$/m },
  '{ createChat,': { after: '', prints: /built-in demo.*\?$/m },
  '{ followAnswer }': {
    before: `
      import { createClient } from 'graphql-ws';
      const client = createClient({
        url: 'ws://127.0.0.1:4000/graphql',
        connectionParams: { authorization: 'Bearer ' + process.env.TOKEN },
      });
      const answerId = process.env.ANSWER!;
      const { signal } = new AbortController();
      const show = (text: string) => console.log(text);
      const offerToRegenerate = console.error;`,
    after: 'console.log(answer.status);',
    prints: /built-in demo[^]*^COMPLETED$/m,
  },
  "'graphql-sse'": {
    before: 'const freshToken = async () => process.env.TOKEN;',
    after: `for await (const result of client.iterate({ query: '{ me { email } }' })) console.log(JSON.stringify(result));`,
    prints: /"email":"jane@example.com"/,
  },
};

/** Runs the documents on one database, in the order in which a reader works through them. */
describe('the documents in their order', () => {
  let folder: ParleyFolder;
  let server: Instance;
  beforeAll(async () => {
    folder = new ParleyFolder();
    server = folder.serve();
    await server.started;
  });
  afterAll(async () => {
    await server.kill();
    await folder[Symbol.asyncDispose]();
  });

  async function restart(settings: Record<string, string> = {}): Promise<void> {
    await server.stop();
    server = folder.serve(settings);
    await server.started;
  }

  /** Returns the code of a block with the address of the server. */
  const prepare = ({ text }: Block) => text.replaceAll(ADDRESS, new URL(server.url).host);

  async function signIn(): Promise<ApiClient> {
    await using anyone = new ApiClient(server.url);
    const { login } = await anyone.request(documents.LoginDocument, { input: JANE });
    return new ApiClient(server.url, login.accessToken);
  }

  test('README.md: the first conversation', async () => {
    const values = new Map<string, string>();
    const exports: string[] = [];
    const blocks = getBlocksToRun('README.md', 'in-order');
    expect(blocks).toHaveLength(3);
    for (const block of blocks) {
      // The reader copies values of an output into the next command.
      let script = prepare(block);
      for (const [sample, value] of values) script = script.replaceAll(sample, value);
      const output = await folder.run([...exports, script].join('\n'));
      exports.push(...(script.match(/^export .*$/gm) ?? []));
      compareOutput(block.output!, output, values);
    }
  });

  test('the examples of the playground', async () => {
    const state = new Map([[A_NEW_EMAIL, 'new@example.com']]);
    let client = new ApiClient(server.url);
    for (const { operation, variables } of EXAMPLES) {
      const document = (documents as Record<string, unknown>)[`${operation}Document`] as TypedDocumentNode<Result>;
      const replaced = await replacePlaceholders(variables, (name) => state.get(name)!);
      if (operation === 'AnswerStream') await client.follow(state.get(LAST_ANSWER)!).rest();
      else if (operation === 'ConversationUpdates') await receiveUpdate(client, state.get(LAST_CONVERSATION)!);
      else {
        const [result] = Object.values(await client.request(document, replaced));
        expect([operation, result]).not.toEqual([operation, null]);
        const { answer, conversation, user, accessToken, refreshToken } = result as Result[string] & object;
        if (answer) state.set(LAST_ANSWER, answer.id);
        if (conversation) state.set(LAST_CONVERSATION, conversation.id);
        if (user) state.set(YOUR_EMAIL, user.email);
        if (refreshToken) state.set(YOUR_REFRESH_TOKEN, refreshToken);
        if (!accessToken) continue;
        await client[Symbol.asyncDispose]();
        client = new ApiClient(server.url, accessToken);
      }
    }
    await client[Symbol.asyncDispose]();
  });

  /** Subscribes to `conversationUpdates`, and renames the conversation until an event arrives. */
  async function receiveUpdate(client: ApiClient, id: string): Promise<void> {
    let hasArrived = false;
    const failed = Promise.withResolvers<never>();
    const stop = client.subscribe(
      print(documents.ConversationUpdatesDocument),
      {},
      { next: () => (hasArrived = true), error: failed.reject, complete: () => {} },
    );
    const arrived = until(async () => {
      await client.request(documents.RenameConversationDocument, { input: { id, title: 'A tent for two' } });
      return hasArrived;
    });
    await Promise.race([arrived, failed.promise]);
    stop();
  }

  test('docs/clients.md: the samples for front ends', async () => {
    await using project = new SampleProject();
    await using jane = await signIn();
    const { answer } = await jane.ask('Hello!', { stream: false });
    const env = { TOKEN: jane.accessToken!, ANSWER: answer.id };
    for (const { file, code, prints } of listSamples())
      await project.run(file, code.replaceAll(ADDRESS, new URL(server.url).host), env, prints);
  });

  test('docs/clients.md: the types of the samples', async () => {
    await using project = new SampleProject();
    for (const { file, code } of listSamples()) project.write(file, code);
    await project.check();
  });

  /** The samples for front ends, with what surrounds them. */
  function listSamples() {
    const samples = getBlocksToRun('docs/clients.md', 'in-order').filter(({ language }) => language === 'ts');
    expect(samples).toHaveLength(Object.keys(SAMPLES).length);
    return samples.map((sample) => {
      const name = Object.keys(SAMPLES).find((it) => sample.text.includes(it))!;
      const { before = '', after, prints } = SAMPLES[name]!;
      return { file: `line-${sample.line}.ts`, code: [before, prepare(sample), after].join('\n'), prints };
    });
  }

  (BROWSER ? test : test.skip)('docs/clients.md: the component', async () => {
    const [sample, ...others] = getBlocksToRun('docs/clients.md', 'in-order').filter(
      ({ language }) => language === 'tsx',
    );
    expect(others).toEqual([]);
    await using page = new SamplePage(`
      import { createChat, createSession } from '@parley/client';
      import { createRoot } from 'react-dom/client';
      const session = createSession({ url: '/graphql' });
      await session.signIn(${JSON.stringify(JANE)});
      const chat = createChat(session);
      ${sample!.text}
      createRoot(document.getElementById('root')!).render(<App />);`);
    await page.run(server.url, async (tab) => {
      await tab.locator('input').fill('Hello!');
      await tab.getByRole('button', { name: 'Ask' }).click();
      await tab.getByText('built-in demo').waitFor();
    });
  });

  test('docs/clients.md: a WebSocket whose token is renewed', async () => {
    await using project = new SampleProject();
    const [sample, ...others] = getBlocksToRun('docs/clients.md', 'in-order').filter(
      ({ language }) => language === 'js',
    );
    expect(others).toEqual([]);
    await restart({ JWT_EXPIRES_IN: '13s' });
    // The events of the subscription are printed in between.
    const reconnected = sample!.output!.trim().split('\n').slice(0, 3).join('\n(?:\\{.*\n)*');
    await project.run('renew.js', prepare(sample!), {}, new RegExp(`^${reconnected}$`, 'm'));
  });

  test('docs/deploy.md: a backup and its restoration', async () => {
    await restart();
    const [script, ...others] = getBlocksToRun('docs/deploy.md', 'in-order');
    expect(others).toEqual([]);
    const [backup, restore] = prepare(script!).trim().split('\n');
    await folder.run(backup!);
    await using jane = await signIn();
    await jane.ask('Forget this', { stream: false });
    await server.stop();
    await folder.run(restore!);
    server = folder.serve();
    await server.started;
    await using again = await signIn();
    const { conversations } = await again.request(documents.ConversationsDocument);
    expect(conversations.edges.length).toBeGreaterThan(0);
    expect(conversations.edges.map(({ node }) => node.title).join()).not.toContain('Forget');
  });
});

import { join } from 'node:path';
import { packageRoot } from '../../src/platform/config/package-root.js';
import { MeasuredProcess } from './measured-process.js';
import { openGraphQL, openSockets, post, type OnText } from './sockets.js';

/** A way to relay answers, running, and how to talk to it. */
export interface Design {
  process: MeasuredProcess;
  /** Asks a question, and resolves with its answer's id. */
  ask(): Promise<string>;
  /** Resolves at the end of the answer. */
  follow(answer: string, onText: OnText): Promise<void>;
  /** Both, as fast as the design allows. Resolves at the end of the answer. */
  askAndFollow(onText: OnText): Promise<void>;
}

/** @param folder where it may keep files */
type Start = (provider: string, folder: string) => Promise<Design>;

const raw: Start = async (provider) => {
  const process = await MeasuredProcess.start(join(import.meta.dirname, 'raw.js'), { PROVIDER: provider });
  const handlers = new Map<string, (message: { offset: number; text: string; done?: boolean }) => void>();
  const next = await openSockets(process.url, (data) => {
    const message = JSON.parse(data) as { id: string; offset: number; text: string; done?: boolean };
    handlers.get(message.id)!(message);
  });
  let ids = 0;
  const newId = () => String((ids += 1));
  const send = (message: object) => next().send(JSON.stringify(message));
  const follow = (answer: string, onText: OnText, ask?: true) =>
    new Promise<void>((resolve) => {
      const id = newId();
      handlers.set(id, ({ offset, text, done }) => {
        if (!done) return onText(offset, text);
        handlers.delete(id);
        resolve();
      });
      send({ answer, id, ask });
    });
  return {
    process,
    async ask() {
      const answer = newId();
      send({ answer, ask: true });
      return answer;
    },
    follow,
    askAndFollow: (onText) => follow(newId(), onText, true),
  };
};

const usual: Start = async (provider) => {
  const process = await MeasuredProcess.start(join(import.meta.dirname, 'usual.js'), { PROVIDER: provider });
  const url = `${process.url}/graphql`;
  const follow = await openGraphQL(url, {});
  let ids = 0;
  async function ask(id = `answer-${(ids += 1)}`): Promise<string> {
    await post(url, 'mutation ($id: ID!, $q: String!) { ask(id: $id, question: $q) }', { id, q: 'a question' });
    return id;
  }
  return {
    process,
    ask: () => ask(),
    follow,
    async askAndFollow(onText) {
      // Its PubSub keeps nothing: who follows late misses what was said.
      const id = `answer-${(ids += 1)}`;
      await Promise.all([follow(id, onText), ask(id)]);
    },
  };
};

/** The real server: accounts, database and all. */
const parley: Start = async (provider, folder) => {
  const process = await MeasuredProcess.start(
    join(packageRoot, 'dist/src/main.js'),
    {
      HOST: '127.0.0.1',
      PORT: '0',
      DATABASE_URL: `sqlite:${join(folder, 'bench.db')}`,
      JWT_SECRET: 'a secret of the benchmark, long enough',
      OPENAI_BASE_URL: provider,
      RATE_LIMIT_ASK: 'off',
      LOG_LEVEL: 'error',
    },
    folder,
  );
  const url = `${process.url}/graphql`;
  const {
    register: { accessToken },
  } = await post<{ register: { accessToken: string } }>(
    url,
    'mutation ($input: RegisterInput!) { register(input: $input) { accessToken } }',
    { input: { email: 'bench@example.com', password: 'a password of the bench' } },
  );
  const follow = await openGraphQL(url, { authorization: `Bearer ${accessToken}` });
  async function ask(): Promise<string> {
    const { askQuestion } = await post<{ askQuestion: { answer: { id: string } } }>(
      url,
      'mutation ($q: String!) { askQuestion(input: { question: $q }) { answer { id } } }',
      { q: 'a question' },
      accessToken,
    );
    return askQuestion.answer.id;
  }
  return { process, ask, follow, askAndFollow: async (onText) => follow(await ask(), onText) };
};

export const DESIGNS = { raw, usual, parley };
export type DesignName = keyof typeof DESIGNS;

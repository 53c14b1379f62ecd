import { join } from 'node:path';
import { MeasuredProcess } from '../kit/measured-process.js';
import { openGraphQL, openSockets, post, type OnText } from '../kit/sockets.js';

/** A running server that relays answers, and the client side of its protocol. */
export interface Design {
  process: MeasuredProcess;
  /** Asks a question. Resolves with the id of the answer. */
  ask(): Promise<string>;
  /** Resolves when the answer is finished. */
  follow(answer: string, onText: OnText): Promise<void>;
  /** Does both, as fast as the design allows. Resolves when the answer is finished. */
  askAndFollow(onText: OnText): Promise<void>;
}

/** @param folder for the files of the server */
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
      // Follow first: the PubSub stores nothing, so a late subscriber misses the first tokens.
      const id = `answer-${(ids += 1)}`;
      await Promise.all([follow(id, onText), ask(id)]);
    },
  };
};

/** The real server, with accounts and a database. */
const parley: Start = async (provider, folder) => {
  const process = await MeasuredProcess.start(
    join(import.meta.dirname, '../../src/main.js'),
    {
      HOST: '127.0.0.1',
      PORT: '0',
      DATABASE_URL: `sqlite:${join(folder, 'bench.db')}`,
      JWT_SECRET: 'a secret of the benchmark, long enough',
      OPENAI_BASE_URL: provider,
      RATE_LIMIT_ASK: 'off',
      RATE_LIMIT_REGISTER: 'off',
      MAX_RUNNING_ANSWERS_PER_USER: '100000',
      MAX_RUNNING_ANSWERS: '100000',
      MAX_SUBSCRIPTIONS_PER_CONNECTION: '100000',
      MAX_SUBSCRIPTIONS_PER_USER: '100000',
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

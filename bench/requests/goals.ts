import type { Goal } from '../kit/report.js';
import { toLimit } from '../servers/server-fleet.js';

const cpu = (what: string, load: string, limit: number): Goal => ({
  what: `CPU, ${what}`,
  load,
  figure: 'cpu',
  of: 'raw',
  limit: toLimit(limit),
});
const latency = (what: string, load: string, limit?: number): Goal => ({
  what: `p50, ${what}`,
  load,
  figure: 'p50',
  of: 'raw',
  ...(limit ? { limit: toLimit(limit) } : {}),
});

export const GOALS: Goal[] = [
  cpu('me', 'me', 2.2),
  cpu('20 conversations with last message', 'list', 4),
  cpu('last 50 messages of a conversation', 'page', 4),
  cpu('ask alone', 'ask', 5),
  cpu('ask with answer and title, until stored', 'askToEnd', 4),
  cpu('joining an answer, to the first event', 'join', 3),
  latency('me', 'me'),
  latency('20 conversations with last message', 'list'),
  latency('last 50 messages of a conversation', 'page'),
  latency('ask alone', 'ask'),
  latency('ask with answer, until stored', 'askToEnd'),
  latency('joining an answer, to the first event', 'join', 3),
  latency('first token from asking, idle server', 'firstToken', 3),
];

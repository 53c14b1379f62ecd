import type { Goal } from '../kit/report.js';
import { toLimit } from '../servers/server-fleet.js';

export const GOALS: Goal[] = [
  { what: 'CPU per token, all inside', load: 'exchange', figure: 'cpuPerToken', of: 'raw', limit: toLimit(1.7) },
  { what: 'CPU per token, all inside', load: 'exchange', figure: 'cpuPerToken', of: 'usual', limit: toLimit(0.5) },
  { what: 'first token, p50', load: 'exchange', figure: 'firstTokenP50', of: 'raw', limit: toLimit(5) },
  { what: 'first token, p99', load: 'exchange', figure: 'firstTokenP99', of: 'raw' },
  { what: 'lag of a token, p50', load: 'exchange', figure: 'lagP50', of: 'raw' },
  { what: 'CPU of a follower that reads 50 tokens', load: 'visit', figure: 'cpuPerVisit', of: 'raw' },
];

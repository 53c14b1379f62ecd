import type { Goal } from '../kit/report.js';

export const GOALS: Goal[] = [
  { what: 'CPU per token, 200 × 25/s', load: 'paced', figure: 'cpuPerToken', of: 'raw', limit: ['≤', 1.3] },
  { what: 'CPU per token, 200 × 25/s', load: 'paced', figure: 'cpuPerToken', of: 'usual', limit: ['≤', 0.45] },
  { what: 'lag p50, 200 × 25/s', load: 'paced', figure: 'lagP50', of: 'raw' },
  { what: 'tokens/s, 50 × 500 flat out', load: 'flatOut', figure: 'tokensPerSecond', of: 'raw', limit: ['≥', 1.3] },
  { what: 'CPU per token, 50 × 500 flat out', load: 'flatOut', figure: 'cpuPerToken', of: 'raw' },
  { what: 'CPU per token, 100 followers', load: 'followers100', figure: 'cpuPerToken', of: 'raw', limit: ['≤', 1.3] },
  {
    what: 'CPU per token, 1,000 followers',
    load: 'followers1000',
    figure: 'cpuPerToken',
    of: 'raw',
    limit: ['≤', 1.3],
  },
  { what: 'time to the first token, p50', load: 'firstToken', figure: 'p50', of: 'raw', limit: ['≤', 2.5] },
  { what: 'lag p50, 400 × 25/s', load: 'crowd', figure: 'lagP50', of: 'raw', limit: ['≤', 1.5] },
  { what: 'lag p99, 400 × 25/s', load: 'crowd', figure: 'lagP99', of: 'raw', limit: ['≤', 2] },
  { what: 'KB of heap, an idle subscription', load: 'memory', figure: 'subscriptionHeap', of: null, limit: ['≤', 11] },
  { what: 'KB of RSS, an idle subscription', load: 'memory', figure: 'subscriptionRss', of: null, limit: ['≤', 25] },
  { what: 'KB of heap, a running stream', load: 'memory', figure: 'streamHeap', of: null, limit: ['≤', 20] },
  { what: 'KB of RSS, a running stream', load: 'memory', figure: 'streamRss', of: null, limit: ['≤', 40] },
];

/**
 * A client that sends a small query at a fixed rate, no matter whether the previous ones have been answered. In a thread of
 * its own, so that the work of the attacker does not count as latency of the server.
 */
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import { RunningClock } from '../kit/running-clock.js';
import type { HealthyFigures, HealthyOptions } from './healthy-client.js';

const INTERVAL_MS = 100;
const QUERY = '{ me { id } conversations(first: 5) { nodes { id title } } }';

const { url, token, pid, timeoutMs = 10_000 } = workerData as HealthyOptions;
const clock = pid === undefined ? performance : new RunningClock(pid);
const agent = new Agent({ keepAlive: true });
const latencies: number[] = [];
const failures: string[] = [];

async function query(): Promise<void> {
  const began = clock.now();
  try {
    const outgoing = request(`${url}/graphql`, {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(timeoutMs),
    });
    outgoing.end(JSON.stringify({ query: QUERY }));
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    let body = '';
    for await (const bytes of response) body += String(bytes);
    const { errors } = JSON.parse(body) as { errors?: { extensions: { code: string } }[] };
    if (errors) failures.push(errors[0]!.extensions.code);
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    failures.push(typeof code === 'string' ? code : name);
  }
  // A failure counts with its time as well: a server that does not respond is not fast.
  latencies.push(clock.now() - began);
}

const running = new Set<Promise<void>>();
const interval = setInterval(() => {
  const sent = query().finally(() => running.delete(sent));
  running.add(sent);
}, INTERVAL_MS);

parentPort!.once('message', () => {
  clearInterval(interval);
  void Promise.all(running).then(() => {
    latencies.sort((a, b) => a - b);
    const at = (share: number) => latencies[Math.min(Math.floor(latencies.length * share), latencies.length - 1)] ?? 0;
    const figures: HealthyFigures = {
      queries: latencies.length,
      medianMs: at(0.5),
      p95Ms: at(0.95),
      maxMs: at(1),
      failures,
    };
    agent.destroy();
    parentPort!.postMessage(figures);
  });
});

import { readFileSync } from 'node:fs';
import { FakeProvider } from '../kit/fake-provider.js';
import { TestServer } from '../kit/server.js';

const WORDS = /[a-z_][a-z0-9_]*(?=\{|\)|\[| |$)/g;

interface Dashboard {
  panels: { title: string; targets: { expr: string }[] }[];
  templating: { list: { query: string | { query: string } }[] };
}

test('the dashboard of Grafana uses metrics that a server has', async () => {
  const { panels, templating } = JSON.parse(readFileSync('deploy/grafana-dashboard.json', 'utf8')) as Dashboard;
  const expressions = [
    ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...templating.list.map(({ query }) => (typeof query === 'string' ? query : query.query)),
  ];
  const used = new Set(
    expressions.flatMap((expression) =>
      [...expression.matchAll(WORDS)].map(([word]) => word).filter((word) => /^(parley|nodejs|process)_/.test(word)),
    ),
  );
  expect(used.size).toBeGreaterThan(10);

  await using server = await TestServer.start({ DAILY_TOKEN_BUDGET: '1000000' });
  const jane = await server.user();
  await jane.ask('A question', { stream: false });
  const taken = server.provider.takeCall();
  await jane.ask('A question with a look-up');
  const call = await taken;
  const next = server.provider.takeCall();
  call.toolCall('unknown', {});
  call.finish('tool_calls', { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 });
  const answering = await next;
  answering.delta('No.');
  FakeProvider.done(answering);
  expect(await jane.getErrorCode('{ unknown }')).toBe('GRAPHQL_VALIDATION_FAILED');
  await server.settled();
  const text = await (await fetch(`${server.server.url}/metrics`)).text();
  const exposed = new Set([...text.matchAll(/^([a-z_][a-z0-9_]*)[{ ]/gm)].map(([, name]) => name));
  expect([...used].filter((name) => !exposed.has(name))).toEqual([]);
  const ours = [...text.matchAll(/^# TYPE (parley_\w+)/gm)].map(([, name]) => name!);
  const shown = expressions.join(' ');
  // Every metric of Parley is shown, except those that are only of interest after a change of the provider.
  expect(ours.filter((name) => !shown.includes(name))).toEqual(['parley_provider_capabilities_learned_total']);
});

import { Kind, parse, visit, type DefinitionNode } from 'graphql';
import { LAST_ANSWER, LAST_CONVERSATION } from './state';

export interface Tab {
  query: string;
  variables: string;
}

const sources = import.meta.glob<string>('../schema/operations/*.graphql', {
  query: '?raw',
  import: 'default',
  eager: true,
});

const jane = { email: 'jane@example.com', password: 'correct horse battery' };

/** In the order in which a newcomer runs them. Operations that are not named here come behind. */
const variables: Record<string, object> = {
  Register: { input: jane },
  Login: { input: jane },
  Me: {},
  AskQuestion: { input: { question: 'Hello! I am looking for a tent.' } },
  AnswerStream: { answerId: LAST_ANSWER, offset: 0 },
  Message: { id: LAST_ANSWER },
  Conversation: { id: LAST_CONVERSATION, last: 20 },
  EmailAvailable: { email: jane.email },
};

/** One tab per operation in schema/operations, each with the fragments that it uses. */
export const examples = readExamples();

function readExamples(): Tab[] {
  const definitions = Object.values(sources).flatMap(definitionsIn);
  const fragments = new Map(
    definitions.flatMap((it) => (it.node.kind === Kind.FRAGMENT_DEFINITION ? [[it.node.name.value, it]] : [])),
  );

  const order = Object.keys(variables);
  const rank = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);

  return definitions
    .flatMap(({ node, text }) =>
      node.kind === Kind.OPERATION_DEFINITION ? [{ node, text, name: node.name!.value }] : [],
    )
    .sort((a, b) => rank(a.name) - rank(b.name))
    .map(({ node, text, name }) => {
      const used = [...fragmentsIn(node)].map((fragment) => fragments.get(fragment)!.text);
      return { query: [text, ...used].join('\n\n'), variables: variablesText(variables[name] ?? {}) };
    });

  function fragmentsIn(node: DefinitionNode, found = new Set<string>()): Set<string> {
    visit(node, {
      FragmentSpread({ name: { value: name } }) {
        if (found.has(name)) return;
        found.add(name);
        fragmentsIn(fragments.get(name)!.node, found);
      },
    });
    return found;
  }
}

/** Slices the definitions instead of printing them, which would lose the comments above each. */
function definitionsIn(source: string): { node: DefinitionNode; text: string }[] {
  let end = 0;
  return parse(source).definitions.map((node) => {
    const text = source.slice(end, node.loc!.end).trim();
    end = node.loc!.end;
    return { node, text };
  });
}

function variablesText(values: object): string {
  const text = JSON.stringify(values, null, 2);
  const placeholder = [LAST_ANSWER, LAST_CONVERSATION].find((it) => text.includes(it));
  return placeholder
    ? text.replace('{', `{\n  // "${placeholder}" stands for its id; any other id can be put here.`)
    : text;
}

const SEEN = 'parley:examples';

/**
 * GraphiQL restores the tabs of the last visit, which would hide examples that have changed since. Then they all open
 * anew, and behind them what was edited.
 */
export function tabsToOpen(): Tab[] {
  const now = JSON.stringify(examples);
  const before = localStorage.getItem(SEEN) ?? '[]';
  if (now === before) return examples;

  const stored: { tabs: Tab[] } = JSON.parse(localStorage.getItem('graphiql:tabState') ?? '{ "tabs": [] }');
  const isExample = (tab: Tab) =>
    (JSON.parse(before) as Tab[]).some(({ query, variables }) => query === tab.query && variables === tab.variables);
  const edited = stored.tabs.filter((tab) => tab.query && !isExample(tab));
  for (const key of ['tabState', 'query', 'variables', 'headers']) localStorage.removeItem(`graphiql:${key}`);
  localStorage.setItem(SEEN, now);
  return [...examples, ...edited];
}

/** GraphiQL fills in the first tab's variables only from here; of an earlier visit it remembers them. */
export const firstVariables = () => (localStorage.getItem('graphiql:tabState') ? undefined : examples[0]?.variables);

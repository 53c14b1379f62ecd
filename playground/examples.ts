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
  return placeholder ? text.replace('{', `{\n  // "${placeholder}" stands for its id.`) : text;
}

const SEEN = 'parley:examples';
const STORED = 'graphiql:tabState';

/**
 * What GraphiQL opens: the tabs as they were left, or, when the examples have changed since, all examples anew and
 * behind them what was edited.
 */
export function tabsToOpen() {
  const now = JSON.stringify(examples);
  const before = localStorage.getItem(SEEN) ?? '[]';
  const stored: { tabs: Tab[]; activeTabIndex: number } | null = JSON.parse(localStorage.getItem(STORED) ?? 'null');
  if (stored && now === before) return open(stored.tabs, stored.activeTabIndex);

  const untouched = new Set([...(JSON.parse(before) as Tab[]), ...examples].map(contentOf));
  const edited = stored?.tabs.filter((tab) => tab.query && !untouched.has(contentOf(tab))) ?? [];
  for (const key of ['tabState', 'query', 'variables', 'headers']) localStorage.removeItem(`graphiql:${key}`);
  localStorage.setItem(SEEN, now);
  return open([...examples, ...edited], 0);
}

const contentOf = ({ query, variables }: Tab) => JSON.stringify([query, variables]);

/** GraphiQL by itself would leave the variables of the tab that it opens with empty. */
const open = (tabs: Tab[], active: number) => ({
  defaultTabs: tabs,
  initialQuery: tabs[active]?.query,
  initialVariables: tabs[active]?.variables,
});

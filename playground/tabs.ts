import { Kind, parse, visit, type DefinitionNode } from 'graphql';
import { EXAMPLES, type Example } from './examples';
import { MEANINGS } from './placeholders';

export interface Tab {
  query: string;
  variables: string;
}

const sources = import.meta.glob<string>('../schema/operations/*.graphql', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** A tab for each example, followed by a tab for each operation without an example. */
const exampleTabs = createTabs();

function createTabs(): Tab[] {
  const definitions = Object.values(sources).flatMap(definitionsIn);
  const named = (kind: Kind) =>
    new Map(definitions.flatMap((it) => (it.node.kind === kind && it.name ? [[it.name, it]] : [])));
  const fragments = named(Kind.FRAGMENT_DEFINITION);
  const operations = named(Kind.OPERATION_DEFINITION);

  const shown = new Set(EXAMPLES.map(({ operation }) => operation));
  const others = [...operations.keys()].filter((name) => !shown.has(name)).map((operation) => ({ operation }));
  return [...EXAMPLES, ...others].map((example: Example) => {
    const { node, text } = operations.get(example.operation)!;
    const used = [...fragmentsIn(node)].map((fragment) => fragments.get(fragment)!.text);
    return { query: [rename(text, example), ...used].join('\n\n'), variables: variablesText(example) };
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

/** Slices the definitions out of the source, because printing them would lose their comments. */
function definitionsIn(source: string): { node: DefinitionNode; name: string | undefined; text: string }[] {
  let end = 0;
  return parse(source).definitions.map((node) => {
    const text = source.slice(end, node.loc!.end).trim();
    end = node.loc!.end;
    return { node, name: 'name' in node ? node.name?.value : undefined, text };
  });
}

function rename(text: string, { operation, as }: Example): string {
  return as ? text.replace(/^(#.*\n)+/, `# ${as.comment}\n`).replace(operation, as.name) : text;
}

function variablesText({ variables = {}, note }: Example): string {
  const text = JSON.stringify(variables, null, 2);
  const meanings = Object.entries(MEANINGS).flatMap(([placeholder, meaning]) =>
    text.includes(placeholder) ? [meaning] : [],
  );
  return [...meanings, ...(note ? [note] : [])].map((comment) => `// ${comment}\n`).join('') + text;
}

const SEEN = 'parley:examples';
const STORED = 'graphiql:tabState';

/**
 * Returns the tabs that GraphiQL opens: the tabs of the last visit, or, if the examples have changed since, all examples
 * followed by the tabs that were edited.
 */
export function tabsToOpen() {
  const now = JSON.stringify(exampleTabs);
  const before = localStorage.getItem(SEEN) ?? '[]';
  const stored: { tabs: Tab[]; activeTabIndex: number } | null = JSON.parse(localStorage.getItem(STORED) ?? 'null');
  if (stored && now === before) return open(stored.tabs, stored.activeTabIndex);

  const untouched = new Set([...(JSON.parse(before) as Tab[]), ...exampleTabs].map(contentOf));
  const edited = stored?.tabs.filter((tab) => tab.query && !untouched.has(contentOf(tab))) ?? [];
  for (const key of ['tabState', 'query', 'variables', 'headers']) localStorage.removeItem(`graphiql:${key}`);
  localStorage.setItem(SEEN, now);
  return open([...exampleTabs, ...edited], 0);
}

const contentOf = ({ query, variables }: Tab) => JSON.stringify([query, variables]);

/** Without the initial values, GraphiQL opens the active tab with empty variables. */
const open = (tabs: Tab[], active: number) => ({
  defaultTabs: tabs,
  initialQuery: tabs[active]?.query,
  initialVariables: tabs[active]?.variables,
});

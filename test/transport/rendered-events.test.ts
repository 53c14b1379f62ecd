import { execute, GraphQLError, parse, validate, type DocumentNode, type ExecutionResult } from 'graphql';
import { AnswerDelta, createDelta, ReasoningDelta, type Delta } from '../../src/answering/answer-event.types.js';
import { SPECIMENS } from '../../src/answering/follow.service.js';
import { findTemplates } from '../../src/transport/subscriptions/document-templates.js';
import { ResultTemplate } from '../../src/transport/subscriptions/result-template.js';
import { createSchema } from '../../src/schema.js';
import { TestServer } from '../kit/server.js';

const selections: Record<string, [selection: string, definitions?: string]> = {
  'the selection of the bundled clients': ['__typename ... on AnswerDelta { offset text }'],
  'all fields, in another order': ['... on AnswerDelta { textSoFar text offset __typename }'],
  'aliases, some of which look like values': ['t: __typename ... on AnswerDelta { _1: offset a: text b: text text }'],
  'no field of a delta': ['... on AnswerFinished { answer { id content } }'],
  'fields of both types, merged by their keys': [
    '... on AnswerDelta { text } ... on AnswerFinished { answer { id } } ... on AnswerDelta { offset text }',
  ],
  'through the union': ['... on AnswerEvent { ... on AnswerDelta { offset } __typename } ... { __typename }'],
  'named fragments': [
    '...Event',
    'fragment Event on AnswerEvent { ...Delta } fragment Delta on AnswerDelta { text offset }',
  ],
  'fields of both deltas': ['__typename ... on AnswerDelta { offset text } ... on ReasoningDelta { text offset }'],
  'directives with variables': [
    '... on AnswerDelta @include(if: $yes) { offset @skip(if: $yes) text } ... @skip(if: $yes) { __typename }',
  ],
};

const [SPECIMEN, REASONING_SPECIMEN] = SPECIMENS as [(typeof SPECIMENS)[0], (typeof SPECIMENS)[0]];
const from = (text: string, offset: number) => createDelta(AnswerDelta, text, offset)!;

const deltas: Record<string, Delta> = {
  'a word': from('Hello', 0),
  'the rest of a text': from('Hello world', 5),
  'quotes, controls and separators': from('"\\\n\t\u0001\u2028\u2029</script>\u007f', 0),
  'beyond the BMP': from('🌱👩‍🚀', 1),
  'text that looks like a template': from('$& $1 ":0,}', 0),
};

describe('a rendered result has the same bytes as an executed one', () => {
  const server = TestServer.start();
  afterAll(async () => (await server)[Symbol.asyncDispose]());

  describe.each(Object.entries(selections))('%s', (_name, [selection, definitions = '']) => {
    test.each([true, false])('with the variable %s', async (yes) => {
      const { createContext, resolvers } = (await server).server.services;
      const schema = await createSchema(resolvers);
      const directive = selection.includes('$yes') ? '($yes: Boolean!)' : '';
      const document = parse(
        `subscription ${directive} { events: answerStream(answerId: "1") { ${selection} } } ${definitions}`,
      );
      expect(validate(schema, document)).toEqual([]);
      const origin = {
        requestId: 'r',
        authorization: null,
        userAgent: null,
        address: '127.0.0.1',
        baseUrl: '',
        acceptLanguage: null,
        isConnected: () => true,
      };
      const executeEvent = async (rootValue: unknown): Promise<ExecutionResult> =>
        await execute({ schema, document, rootValue, variableValues: { yes }, contextValue: createContext(origin) });

      const template = (await ResultTemplate.create(SPECIMEN, executeEvent))!;
      for (const delta of Object.values(deltas)) {
        const executed = await executeEvent(delta);
        expect(executed.errors).toBeUndefined();
        expect(template.render(delta)).toBe(JSON.stringify(executed));
      }
      expect(await ResultTemplate.create(SPECIMEN, executeEvent)).toBe(template);

      const reasoning = createDelta(ReasoningDelta, 'Hm, "so" 🌱', 3)!;
      const reasoningTemplate = (await ResultTemplate.create(REASONING_SPECIMEN, executeEvent))!;
      expect(reasoningTemplate.render(reasoning)).toBe(JSON.stringify(await executeEvent(reasoning)));
    });
  });

  test('an event is rendered once for all subscriptions with the same selection', async () => {
    const template = (await ResultTemplate.create(SPECIMEN, ({ text }) => ({ data: { text } })))!;
    const delta = from('once', 0);
    let reads = 0;
    Object.defineProperty(delta, 'text', { get: () => ((reads += 1), 'once') });
    for (let followers = 0; followers < 3; followers += 1)
      expect(template.render(delta)).toBe('{"data":{"text":"once"}}');
    expect(reads).toBe(1);
  });

  test('no template is created when the specimen fails to execute', async () => {
    const failing = () => ({ data: null, errors: [new GraphQLError('It fails.')] });
    expect(await ResultTemplate.create(SPECIMEN, failing)).toBeNull();
  });

  describe('the specimens are executed', () => {
    let executions = 0;
    const render = async (document: DocumentNode, operationName: string, result: (text: string) => object) => {
      const templates = await findTemplates({ document, operationName }, SPECIMENS, async ({ text, offset }) => {
        executions += 1;
        return { data: { ...result(text), offset } };
      });
      return templates!.get(AnswerDelta)!.render(from('once', 0));
    };
    beforeEach(() => void (executions = 0));

    test('once for each operation of a document', async () => {
      const document = parse('subscription A($id: ID!) { x(id: $id) { text } } subscription B { x { other: text } }');
      const first = await render(document, 'A', (text) => ({ text }));
      expect(await render(document, 'A', (text) => ({ text }))).toBe(first);
      expect(executions).toBe(SPECIMENS.length);
      expect(await render(document, 'B', (other) => ({ other }))).not.toBe(first);
      expect(executions).toBe(2 * SPECIMENS.length);
    });

    test('for each subscription when a directive reads a variable', async () => {
      const document = parse(
        'subscription A($yes: Boolean!) { x { text ...F } } fragment F on X @include(if: $yes) { y }',
      );
      expect(await render(document, 'A', (text) => ({ text }))).not.toBe(await render(document, 'A', (y) => ({ y })));
      expect(executions).toBe(2 * SPECIMENS.length);
    });
  });
});

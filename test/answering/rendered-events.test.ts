import { execute, GraphQLError, parse, validate, type ExecutionResult } from 'graphql';
import { AnswerDelta } from '../../src/answering/answer-events.js';
import { SPECIMEN } from '../../src/answering/follow.service.js';
import { ResultTemplate } from '../../src/platform/graphql/result-template.js';
import { createSchema } from '../../src/schema.js';
import { TestServer } from '../kit/server.js';

const selections: Record<string, [selection: string, definitions?: string]> = {
  'what the clients of the package select': ['__typename ... on AnswerDelta { offset text }'],
  'everything, in another order': ['... on AnswerDelta { textSoFar text offset __typename }'],
  'with aliases, some that look like values': ['t: __typename ... on AnswerDelta { _1: offset a: text b: text text }'],
  'nothing of a delta': ['... on AnswerFinished { answer { id content } }'],
  'fields of both, merged by their keys': [
    '... on AnswerDelta { text } ... on AnswerFinished { answer { id } } ... on AnswerDelta { offset text }',
  ],
  'through the union': ['... on AnswerEvent { ... on AnswerDelta { offset } __typename } ... { __typename }'],
  'named fragments': [
    '...Event',
    'fragment Event on AnswerEvent { ...Delta } fragment Delta on AnswerDelta { text offset }',
  ],
  'directives with variables': [
    '... on AnswerDelta @include(if: $yes) { offset @skip(if: $yes) text } ... @skip(if: $yes) { __typename }',
  ],
};

const deltas: Record<string, AnswerDelta> = {
  'a word': AnswerDelta.from('Hello', 0)!,
  'the rest of a text': AnswerDelta.from('Hello world', 5)!,
  'quotes, controls and separators': AnswerDelta.from('"\\\n\t\u0001\u2028\u2029</script>\u007f', 0)!,
  'beyond the BMP': AnswerDelta.from('🌱👩‍🚀', 1)!,
  'what looks like a template': AnswerDelta.from('$& $1 ":0,}', 0)!,
};

describe('a rendered result has the bytes of an executed one', () => {
  const server = TestServer.start();
  afterAll(async () => (await server)[Symbol.asyncDispose]());

  describe.each(Object.entries(selections))('%s', (_name, [selection, definitions = '']) => {
    test.each([true, false])('with the variable %s', async (yes) => {
      const { contextFor, resolvers } = (await server).server.services;
      const schema = await createSchema(resolvers);
      const directive = selection.includes('$yes') ? '($yes: Boolean!)' : '';
      const document = parse(
        `subscription ${directive} { events: answerStream(answerId: "1") { ${selection} } } ${definitions}`,
      );
      expect(validate(schema, document)).toEqual([]);
      const origin = { requestId: 'r', authorization: null, userAgent: null, address: '127.0.0.1' };
      const resultOf = async (rootValue: unknown): Promise<ExecutionResult> =>
        await execute({ schema, document, rootValue, variableValues: { yes }, contextValue: contextFor(origin) });

      const template = (await ResultTemplate.of(SPECIMEN, resultOf))!;
      for (const delta of Object.values(deltas)) {
        const executed = await resultOf(delta);
        expect(executed.errors).toBeUndefined();
        expect(template.render(delta)).toBe(JSON.stringify(executed));
      }
      expect(await ResultTemplate.of(SPECIMEN, resultOf)).toBe(template);
    });
  });

  test('an event is rendered once for all who select the same', async () => {
    const template = (await ResultTemplate.of(SPECIMEN, ({ text }) => ({ data: { text } })))!;
    const delta = AnswerDelta.from('once', 0)!;
    let reads = 0;
    Object.defineProperty(delta, 'text', { get: () => ((reads += 1), 'once') });
    for (let followers = 0; followers < 3; followers += 1)
      expect(template.render(delta)).toBe('{"data":{"text":"once"}}');
    expect(reads).toBe(1);
  });

  test('there is none where executing fails: such events are executed', async () => {
    const failing = () => ({ data: null, errors: [new GraphQLError('It fails.')] });
    expect(await ResultTemplate.of(SPECIMEN, failing)).toBeNull();
  });
});

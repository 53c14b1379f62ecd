import { defaultFieldResolver, type GraphQLObjectType, type GraphQLResolveInfo } from 'graphql';
import { createSchema } from '../../src/schema.js';

test('field resolvers get the object and the context, and properties have no resolver', async () => {
  const calls: unknown[] = [];
  const instance = new Proxy(
    {},
    {
      get:
        (_target, method) =>
        (...call: unknown[]) =>
          calls.push([method, ...call]),
    },
  );
  const schema = await createSchema(<T extends object>() => instance as T);
  const fields = (schema.getType('Message') as GraphQLObjectType).getFields();
  const [message, context] = [{ id: '1', position: 3 }, { of: 'the request' }];
  const resolve = (name: string): unknown =>
    (fields[name]!.resolve ?? defaultFieldResolver)(message, {}, context, { fieldName: name } as GraphQLResolveInfo);

  resolve('position');
  resolve('error');
  expect(calls).toEqual([
    ['position', message, context],
    ['error', message],
  ]);
  expect(fields['id']!.resolve).toBeUndefined();
  expect(resolve('id')).toBe('1');
});

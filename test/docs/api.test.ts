import { Kind, parse, print, type FieldNode, type OperationDefinitionNode } from 'graphql';
import { Role } from '../../src/auth/role.js';
import { User } from '../../src/auth/user.entity.js';
import { LoginDocument } from '../../client/src/generated/graphql.js';
import { getBlocksToRun } from '../kit/documents.js';
import { PASSWORD, TestServer } from '../kit/server.js';
import { until } from '../kit/until.js';

test('docs/api.md: the operations succeed in their order', async () => {
  // The demo model, whose command /cut prints an answer that can be continued.
  await using server = await TestServer.start({ OPENAI_BASE_URL: '' });
  const jane = await server.user();
  await server.em.nativeUpdate(User, { id: jane.id }, { role: Role.ADMIN });
  const { login } = await server.anyone.request(LoginDocument, { input: { email: jane.email, password: PASSWORD } });
  const finished = await jane.ask('A light tent', { stream: false });

  /** Returns a value for a variable of an operation with this field. Variables that may be null keep their defaults. */
  const values: Record<string, (field: string) => Promise<unknown>> = {
    RegisterInput: async () => ({ email: 'john@example.com', password: PASSWORD }),
    RefreshTokensInput: async () => ({ refreshToken: login.refreshToken }),
    StopAnswerInput: async () => ({ answerId: finished.answer.id }),
    RegenerateAnswerInput: async () => ({ answerId: finished.answer.id }),
    ContinueAnswerInput: async () => ({ answerId: (await jane.ask('/cut', { stream: false })).answer.id }),
    ID: async (field) => (field === 'message' ? finished.answer.id : finished.conversation.id),
  };

  const blocks = getBlocksToRun('docs/api.md', 'api');
  expect(blocks.length).toBeGreaterThan(5);
  for (const { line, text } of blocks) {
    const operation = parse(text).definitions[0] as OperationDefinitionNode;
    const [field] = operation.selectionSet.selections as FieldNode[];
    const variables: Record<string, unknown> = {};
    for (const { variable, type } of operation.variableDefinitions ?? [])
      if (type.kind === Kind.NON_NULL_TYPE)
        variables[variable.name.value] = await values[print(type.type)]!(field!.name.value);
    if (operation.operation === 'subscription') {
      let hasArrived = false;
      const failed = Promise.withResolvers<never>();
      const sink = { next: () => (hasArrived = true), error: failed.reject, complete: () => {} };
      const stop = jane.subscribe(text, variables, sink);
      const arrived = until(async () => {
        const input = { id: finished.conversation.id, title: 'A tent' };
        await jane.request('mutation ($input: RenameConversationInput!) { renameConversation(input: $input) { id } }', {
          input,
        });
        return hasArrived;
      });
      await Promise.race([arrived, failed.promise]);
      stop();
      continue;
    }
    const data = await jane.request<Record<string, unknown>>(text, variables);
    expect([line, Object.values(data)]).toEqual([line, Object.values(data).map(() => expect.anything())]);
  }
});

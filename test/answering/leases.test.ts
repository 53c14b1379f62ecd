import { randomUUID } from 'node:crypto';
import { Message } from '../../src/messages/message.entity.js';
import { describeSqlite } from '../kit/postgres.js';
import { TestServer } from '../kit/server.js';

describeSqlite('answers with expired leases', () => {
  test('are taken over even if taking over one of them fails', async () => {
    await using server = await TestServer.start();
    const jane = await server.user();
    const lost: { id: string; conversationId: string }[] = [];
    for (let i = 0; i < 3; i += 1) {
      const taken = server.provider.takeCall();
      const { answer, conversation } = await jane.ask(`Lost ${i}`);
      lost.push({ id: answer.id, conversationId: conversation.id });
      (await taken).delta('Heard');
      await jane.follow(answer.id).until('Heard');
    }
    const [stuck, ...others] = lost;
    // Its lease expired first, so it is the first to be taken over.
    await server.em.execute(
      `create trigger stuck before update of status on messages when old.id = '${stuck!.id}' begin select raise(abort, 'stuck'); end`,
    );
    for (const [i, { id }] of lost.entries())
      await server.em.nativeUpdate(Message, { id }, { leaseOwner: randomUUID(), leaseExpiresAt: new Date(i) });
    for (const { id, conversationId } of others) {
      await jane.follow(id).rest();
      expect(await jane.message(id)).toMatchObject({ status: 'FAILED', error: { code: 'INTERRUPTED' } });
      await jane.ask('Goes on', { conversationId, stream: false });
    }
    expect((await jane.message(stuck!.id)).status).toBe('STREAMING');

    await server.em.execute('drop trigger stuck');
    await jane.follow(stuck!.id).rest();
    expect((await jane.message(stuck!.id)).status).toBe('FAILED');
  });
});

import { entities } from '../../src/entities.js';
import { newId } from '../../src/platform/db/ids.js';
import { openConnection } from '../../src/platform/db/database.js';
import { getSqliteClient } from '../../src/platform/db/sqlite.js';

/** Rows of a transaction: the server waits for the write lock meanwhile. */
const BATCH = 200;

const WORDS = 'tent stove lamp rope boot map pack mug ax ski oar net jar bag cap tin'.split(' ');

/** Writes conversations of the only user of a database beside the server, as a user would own them after years. */
export async function seedConversations(path: string, count: number, messagesEach: number): Promise<void> {
  await using orm = await openConnection({ dialect: 'sqlite', path }, entities);
  const sqlite = await getSqliteClient(orm);
  const [user] = await orm.em
    .fork()
    .execute<{ id: string }[]>('select id from users order by created_at desc, id desc limit 1');
  const conversation = sqlite.prepare(
    `insert into conversations (id, owner_id, title, title_source, metadata, metadata_version, covered_position,
       messages_since_context_update, sale_status, created_at, updated_at)
     values (?, ?, ?, 'GENERATED', ?, 1, 6, 0, 'EXPLORING', ?, ?)`,
  );
  const message = sqlite.prepare(
    `insert into messages (id, conversation_id, position, role, content, status, usage_estimated, created_at)
     values (?, ?, ?, ?, ?, 'COMPLETED', 0, ?)`,
  );
  for (let done = 0; done < count; done += BATCH) {
    sqlite.exec('begin immediate');
    for (let i = done; i < Math.min(done + BATCH, count); i += 1) {
      const id = newId();
      const at = Date.now() - i * 60_000;
      const metadata = {
        interests: [WORDS[i % WORDS.length]],
        offeredProducts: [],
        rejectedProducts: [],
        saleStatus: 'EXPLORING',
      };
      conversation.run(id, user!.id, `Conversation ${i}`, JSON.stringify(metadata), at, at);
      for (let k = 0; k < messagesEach; k += 1)
        message.run(newId(), id, k, k % 2 ? 'ASSISTANT' : 'USER', createText(i + k), at + k);
    }
    sqlite.exec('commit');
  }
}

const createText = (n: number): string =>
  Array.from({ length: 24 }, (_, i) => WORDS[(n * 7 + i * 5 + (i % 3)) % WORDS.length]).join(' ');

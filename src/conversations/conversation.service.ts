import type { EntityManager } from '../platform/db/database.js';
import { isId } from '../platform/db/ids.js';
import type { Viewer } from '../auth/viewer.js';
import { Conversation } from './conversation.entity.js';

export class ConversationService {
  /** The viewer's conversation, or null for an unknown id, another user's, and what is no id. */
  async find(em: EntityManager, viewer: Viewer, id: string): Promise<Conversation | null> {
    return isId(id) ? await em.findOne(Conversation, { id, owner: viewer.userId }) : null;
  }
}

/** For context.load: only with ids of conversations that the viewer may see. */
export async function conversationsById(em: EntityManager, ids: readonly string[]): Promise<(Conversation | null)[]> {
  const found = new Map((await em.find(Conversation, { id: { $in: [...ids] } })).map((row) => [row.id, row]));
  return ids.map((id) => found.get(id) ?? null);
}

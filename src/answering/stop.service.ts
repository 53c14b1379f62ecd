import type { Viewer } from '../auth/viewer.js';
import { Message } from '../messages/message.entity.js';
import { MessageStatus } from '../messages/message.enums.js';
import type { MessageService } from '../messages/message.service.js';
import type { EntityManager } from '../platform/db/database.js';
import { NotFoundError } from '../platform/errors/api-error.js';
import type { Bus } from '../platform/pubsub/bus.js';
import type { AnswerEngine } from './answer.engine.js';
import { stopRequested } from './answering.events.js';

/** How long the answer's end is waited for where another instance generates it, in milliseconds. */
const PATIENCE = 5_000;

export class StopService {
  constructor(
    private readonly messages: MessageService,
    private readonly engine: AnswerEngine,
    private readonly bus: Bus,
  ) {}

  /**
   * Stops an answer, wherever it is being generated; its text so far stays. A finished one is left as it is.
   * @throws NotFoundError for what is no answer of the viewer's.
   */
  async stop(em: EntityManager, viewer: Viewer, answerId: string): Promise<Message> {
    const answer = await this.messages.getAnswer(em, viewer, answerId);
    if (answer.status !== MessageStatus.STREAMING) return answer;
    this.bus.publish(stopRequested, { answerId });
    await this.engine.ended(answerId, PATIENCE);
    await this.engine.stopAnyway(answerId);
    const stopped = await em.fork().findOne(Message, { id: answerId });
    if (!stopped) throw new NotFoundError('answerId', 'answer');
    return stopped;
  }
}

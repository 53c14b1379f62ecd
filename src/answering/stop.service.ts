import type { Viewer } from '../auth/viewer.js';
import { Message } from '../messages/message.entity.js';
import { MessageStatus } from '../messages/message.enums.js';
import type { MessageService } from '../messages/message.service.js';
import type { EntityManager } from '../platform/db/orm.js';
import { NotFoundError } from '../platform/errors/api-error.js';
import type { Bus } from '../platform/pubsub/bus.js';
import type { AnswerEngine } from './answer.engine.js';
import { stopRequested } from './answering.topics.js';

/** How long the instance that generates the answer has to finish it. */
const STOP_TIMEOUT_MS = 5_000;

export class StopService {
  constructor(
    private readonly messages: MessageService,
    private readonly engine: AnswerEngine,
    private readonly bus: Bus,
  ) {}

  /**
   * Stops an answer, whichever instance generates it, and keeps the text so far. A finished answer is not changed.
   * @throws NotFoundError if `answerId` is not an answer of the viewer's.
   */
  async stop(em: EntityManager, viewer: Viewer, answerId: string): Promise<Message> {
    const answer = await this.messages.getAnswer(em, viewer, answerId);
    if (answer.status !== MessageStatus.STREAMING) return answer;
    this.bus.publish(stopRequested, { answerId, sessionId: viewer.sessionId });
    await this.engine.waitUntilFinished(answerId, STOP_TIMEOUT_MS);
    await this.engine.forceStop(answerId, viewer.sessionId);
    const stopped = await em.fork().findOne(Message, { id: answerId });
    if (!stopped) throw new NotFoundError('answerId', 'answer');
    return stopped;
  }
}

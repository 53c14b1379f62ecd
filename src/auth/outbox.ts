import type { EntityManager } from '../platform/db/orm.js';
import { inTransaction } from '../platform/db/transaction.js';
import { backoff } from '../platform/lifecycle/backoff.js';
import { waitAtMost } from '../platform/lifecycle/wait-at-most.js';
import { MailError, type Mailer, type OutgoingMail } from '../platform/mail/mailer.js';
import type { MailTemplates } from '../platform/mail/mail-templates.js';
import type { Logger } from '../platform/telemetry/log.js';
import { createEmailToken, EMAIL_LINKS, isLinkPurpose } from './email-tokens.js';
import { Mail } from './mail.entity.js';
import type { MailKind } from './mail-texts.js';
import { User } from './user.entity.js';

const BATCH_SIZE = 20;

/** How long one attempt may take. Longer than the timeouts of the connection together. */
const ATTEMPT_MS = 5 * 60_000;

/** A mail that could not be sent for so long is given up. */
const MAX_AGE_MS = 24 * 3_600_000;

const MIN_PAUSE_MS = 10_000;
const BACKOFF = { initialMs: 20_000, maxMs: 3_600_000 };

/** How long a shutdown waits for the mail that is being sent. It is sent again otherwise. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Sends the stored mails:
 *
 * 1. The attempt is claimed by moving `nextAttemptAt` into the future, so that instances do not send a mail twice.
 * 2. The token of its link is created, and its hash is stored.
 * 3. The mail is sent, and its row is deleted. After a failure it is due again later.
 *
 * If the process crashes between sending and deleting, the mail is sent twice, with a new link.
 */
export class Outbox implements AsyncDisposable {
  #running: Promise<void> | null = null;
  #isDue = false;
  #isClosed = false;

  constructor(
    private readonly services: {
      fork: () => EntityManager;
      mailer: Mailer;
      templates: MailTemplates<MailKind>;
      /** The base URL of the front end. */
      appUrl: string;
      log: Logger;
    },
  ) {}

  get languages(): string[] {
    return this.services.templates.languages;
  }

  /** Stores a mail in a transaction without flushing. Call send() after the commit. */
  add(tx: EntityManager, kind: MailKind, emailKey: string, language: string): void {
    const mail = new Mail();
    mail.kind = kind;
    mail.emailKey = emailKey;
    mail.language = language;
    tx.persist(mail);
  }

  /** Sends what is due, in the background. */
  send(): void {
    this.#isDue = true;
    if (this.#isClosed || this.#running) return;
    this.#running = this.#run()
      .catch((error: unknown) => this.services.log.error({ err: error }, 'Could not read the mails to be sent.'))
      .finally(() => {
        this.#running = null;
        if (this.#isDue) this.send();
      });
  }

  /** Resolves when nothing is being sent. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await waitAtMost(CLOSE_TIMEOUT_MS, this.idle());
  }

  async #run(): Promise<void> {
    for (;;) {
      this.#isDue = false;
      const due = await this.services
        .fork()
        .find(
          Mail,
          { nextAttemptAt: { $lte: new Date() } },
          { orderBy: { createdAt: 'asc', id: 'asc' }, limit: BATCH_SIZE },
        );
      for (const mail of due) {
        if (this.#isClosed) return;
        await this.#attempt(mail);
      }
      if (due.length < BATCH_SIZE) return;
    }
  }

  async #attempt(mail: Mail): Promise<void> {
    const { fork, mailer, log } = this.services;
    const { id, kind, attempts, nextAttemptAt } = mail;
    const claimed = await fork().nativeUpdate(
      Mail,
      { id, nextAttemptAt },
      { attempts: attempts + 1, nextAttemptAt: new Date(Date.now() + ATTEMPT_MS) },
    );
    if (claimed === 0) return;
    const ids = { event: 'mail', mailId: id, kind, attempt: attempts + 1 };
    try {
      const outgoing = await this.#compose(mail);
      if (outgoing) await mailer.send(outgoing);
      await fork().nativeDelete(Mail, { id });
      if (outgoing) log.info(ids, 'Mail sent.');
    } catch (error) {
      const details = error instanceof MailError ? error.details : { err: error };
      const isLost =
        (error instanceof MailError && error.isPermanent) || Date.now() - mail.createdAt.getTime() > MAX_AGE_MS;
      if (isLost) {
        await fork().nativeDelete(Mail, { id });
        return log.error({ ...ids, ...details }, 'Mail given up.');
      }
      log.warn({ ...ids, ...details }, 'Could not send a mail; trying again later.');
      const pause = MIN_PAUSE_MS + backoff(attempts, BACKOFF);
      await fork().nativeUpdate(Mail, { id }, { nextAttemptAt: new Date(Date.now() + pause) });
    }
  }

  /** Returns null if no account should get the mail. */
  async #compose({ kind, emailKey, language }: Mail): Promise<OutgoingMail | null> {
    const { fork, templates, appUrl } = this.services;
    return await inTransaction(fork(), async (tx) => {
      const user = await tx.findOne(User, { emailKey }, { populate: ['passwordHash'] });
      if (!user?.email || user.disabledAt) return null;
      if (kind === 'email-verification' && user.emailVerifiedAt) return null;
      // Otherwise a user of the identity provider could bind the email of another person to their account.
      if (kind === 'password-reset' && user.passwordHash === null && !user.emailVerifiedAt) return null;
      const { id } = user;
      const link = isLinkPurpose(kind)
        ? `${appUrl}${EMAIL_LINKS[kind].path}#token=${await createEmailToken(tx, kind, { id, emailKey })}`
        : '';
      const content = templates.render(kind, language, { link, app: new URL(appUrl).host });
      return { to: user.email, ...content };
    });
  }
}

/** A mail to one recipient. */
export interface OutgoingMail {
  /** An address without a name. */
  to: string;
  subject: string;
  text: string;
  html: string;
}

export interface Mailer extends Disposable {
  /** @throws MailError */
  send(mail: OutgoingMail): Promise<void>;
}

/** Why a mail was not sent. Holds no address: the replies of mail servers often quote them. */
export class MailError extends Error {
  /** @param isPermanent whether another attempt would fail as well, because the recipient was refused */
  constructor(
    readonly details: { code?: string; responseCode?: number; command?: string },
    readonly isPermanent: boolean,
  ) {
    super(`Could not send a mail (${Object.values(details).filter(Boolean).join(', ') || 'unknown error'}).`);
    this.name = 'MailError';
  }
}

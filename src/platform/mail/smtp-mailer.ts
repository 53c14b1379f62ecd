import { createTransport } from 'nodemailer';
import { isLoopback } from '../net/loopback.js';
import { MailError, type Mailer, type OutgoingMail } from './mailer.js';

const CONNECT_TIMEOUT_MS = 10_000;
const SILENCE_TIMEOUT_MS = 30_000;

/** Sends mails to an SMTP server, one connection each. */
export class SmtpMailer implements Mailer {
  readonly #transport;

  constructor(
    url: string,
    /** The sender: an address, or `Name <address>`. */
    private readonly from: string,
  ) {
    this.#transport = createTransport({
      url,
      // Parameters of the URL take precedence.
      requireTLS: needsTls(new URL(url)),
      dnsTimeout: CONNECT_TIMEOUT_MS,
      connectionTimeout: CONNECT_TIMEOUT_MS,
      greetingTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SILENCE_TIMEOUT_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  }

  async send({ to, subject, text, html }: OutgoingMail): Promise<void> {
    try {
      await this.#transport.sendMail({
        from: this.from,
        // An object is not parsed, so an address cannot contain a second one or a header.
        to: { name: '', address: to },
        subject,
        text,
        html,
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
    } catch (error) {
      throw toMailError(error);
    }
  }

  /** Connects and signs in. @throws MailError */
  async verify(): Promise<void> {
    try {
      await this.#transport.verify();
    } catch (error) {
      throw toMailError(error);
    }
  }

  [Symbol.dispose](): void {
    this.#transport.close();
  }
}

function toMailError(error: unknown): MailError {
  const { code, responseCode, command } = error as { code?: string; responseCode?: number; command?: string };
  return new MailError({ code, responseCode, command }, command === 'RCPT TO' && (responseCode ?? 0) >= 500);
}

/** A password must not be sent in plain text: another server on the way could hide that TLS is available. */
const needsTls = ({ protocol, username, hostname }: URL): boolean =>
  protocol === 'smtp:' && username !== '' && !isLoopback(hostname);

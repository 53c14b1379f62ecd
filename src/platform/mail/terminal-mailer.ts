import type { Mailer, OutgoingMail } from './mailer.js';

/** Prints mails, for development without an SMTP server. */
export class TerminalMailer implements Mailer {
  /** @param print writes to the terminal */
  constructor(private readonly print: (text: string) => void) {}

  async send({ to, subject, text }: OutgoingMail): Promise<void> {
    this.print(`\n--- Mail to ${to} (not sent: SMTP_URL is not set)\nSubject: ${subject}\n\n${text.trim()}\n---\n`);
  }

  [Symbol.dispose](): void {}
}

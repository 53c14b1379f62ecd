import type { Configuration } from '../../platform/config/configuration.js';
import { MailError } from '../../platform/mail/mailer.js';
import { SmtpMailer } from '../../platform/mail/smtp-mailer.js';
import type { Finding } from '../finding.js';

const SUBJECT = 'Mail';

/** Connects to the mail server and signs in. Sends nothing. */
export async function checkMail({ mail }: Configuration): Promise<Finding> {
  if (!mail)
    return {
      subject: SUBJECT,
      state: 'warning',
      text: 'not set: users cannot reset their passwords; set SMTP_URL, MAIL_FROM and APP_URL',
    };
  if (mail.smtpUrl === null) return { subject: SUBJECT, state: 'skipped', text: 'printed to the terminal' };
  using mailer = new SmtpMailer(mail.smtpUrl, mail.from);
  try {
    await mailer.verify();
    return { subject: SUBJECT, state: 'ok', text: `${new URL(mail.smtpUrl).host} accepts connections` };
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
    const reasons = Object.values(error.details).filter(Boolean).join(', ');
    return {
      subject: SUBJECT,
      state: 'failed',
      text: `cannot connect to the mail server (${reasons}): check SMTP_URL`,
    };
  }
}

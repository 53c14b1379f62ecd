import type { MailTemplateSet } from '../platform/mail/mail-templates.js';

/** Also the purpose of the link in the mail. Stored, and the names of the operator's templates. */
export type MailKind = 'password-reset' | 'email-verification' | 'password-changed';

export const DEFAULT_LANGUAGE = 'en';

/**
 * The built-in texts. They contain nothing that a user has written, such as the name: a person who registers with the
 * email of another could otherwise send them a message.
 */
export const MAIL_TEXTS: MailTemplateSet<MailKind> = {
  en: {
    'password-reset': create('Set a new password', [
      'Someone has asked for a new password for your account at {{app}}. To set one, open this link within 30 minutes:',
      '{{link}}',
      'It works once. If it was not you, ignore this mail: your password stays as it is.',
    ]),
    'email-verification': create('Verify your email', [
      'To verify the email of your account at {{app}}, open this link within 24 hours:',
      '{{link}}',
      'If you have no account there, ignore this mail.',
    ]),
    'password-changed': create('Your password was changed', [
      'A new password was set for your account at {{app}} with a link that we had sent to this email. All devices were signed out.',
      'If it was not you, someone else can read your mail. Secure your mailbox first, then set a new password.',
    ]),
  },
  de: {
    'password-reset': create('Neues Passwort festlegen', [
      'Für Ihr Konto bei {{app}} wurde ein neues Passwort angefordert. Um es festzulegen, öffnen Sie innerhalb von 30 Minuten diesen Link:',
      '{{link}}',
      'Er funktioniert einmal. Falls Sie das nicht waren, ignorieren Sie diese Mail: Ihr Passwort bleibt, wie es ist.',
    ]),
    'email-verification': create('E-Mail-Adresse bestätigen', [
      'Um die E-Mail-Adresse Ihres Kontos bei {{app}} zu bestätigen, öffnen Sie innerhalb von 24 Stunden diesen Link:',
      '{{link}}',
      'Falls Sie dort kein Konto haben, ignorieren Sie diese Mail.',
    ]),
    'password-changed': create('Ihr Passwort wurde geändert', [
      'Für Ihr Konto bei {{app}} wurde mit einem Link, den wir an diese Adresse geschickt hatten, ein neues Passwort festgelegt. Alle Geräte wurden abgemeldet.',
      'Falls Sie das nicht waren, kann jemand anderes Ihre Mails lesen. Sichern Sie zuerst Ihr Postfach und legen Sie dann ein neues Passwort fest.',
    ]),
  },
};

function create(subject: string, paragraphs: string[]) {
  const toHtml = (paragraph: string) =>
    `<p>${paragraph === '{{link}}' ? '<a href="{{link}}">{{link}}</a>' : paragraph}</p>`;
  return {
    text: `Subject: ${subject}\n\n${paragraphs.join('\n\n')}\n`,
    html: `<!doctype html>\n<title>${subject}</title>\n${paragraphs.map(toHtml).join('\n')}\n`,
  };
}

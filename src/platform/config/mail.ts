import { z } from 'zod';

export interface MailConfiguration {
  /** Null in development: mails are printed to the terminal. */
  smtpUrl: string | null;
  /** The sender: an address, or `Name <address>`. */
  from: string;
  /** The base URL of the front end, which the links open, without a slash at the end. */
  appUrl: string;
  /** Contains templates that replace the built-in ones; null if there are none. */
  templatesFolder: string | null;
}

/** The message does not quote the value, because it contains a password. */
const smtpUrl = z.string().refine((text) => /^smtps?:$/.test(URL.parse(text)?.protocol ?? ''), {
  error:
    'invalid URL; use smtp://USER:PASSWORD@HOST:587, or smtps:// for TLS from the start, with a percent-encoded password',
});

const sender = z.string().regex(/^([^<>",;:\p{Cc}]+<[^<>\s@]+@[^<>\s@]+>|[^<>\s@]+@[^<>\s@]+)$/u, {
  error: 'invalid sender; use an email, or a name and an email, such as Parley <chat@example.com>',
});

const appUrl = z.string().transform((text, context) => {
  const url = URL.parse(text);
  if (url && /^https?:$/.test(url.protocol) && !url.username && !url.search && !url.hash)
    return url.href.replace(/\/+$/, '');
  context.addIssue({
    code: 'custom',
    message: 'invalid URL; use the URL of your front end, such as https://chat.example.com',
  });
  return z.NEVER;
});

export const mailSettings = {
  SMTP_URL: smtpUrl.optional(),
  MAIL_FROM: sender.optional(),
  APP_URL: appUrl.optional(),
  MAIL_TEMPLATES_FOLDER: z.string().optional(),
  EMAIL_VERIFICATION: z
    .enum(['off', 'optional', 'required'], { error: 'unknown value; use off, optional or required' })
    .default('optional'),
};

interface MailValues {
  SMTP_URL?: string;
  MAIL_FROM?: string;
  APP_URL?: string;
  MAIL_TEMPLATES_FOLDER?: string;
}

/** Returns null if mails cannot be sent: in production without SMTP_URL. */
export function toMailConfiguration(
  { SMTP_URL, MAIL_FROM, APP_URL, MAIL_TEMPLATES_FOLDER }: MailValues,
  { isProduction, port }: { isProduction: boolean; port: number },
): MailConfiguration | null {
  if (isProduction && !SMTP_URL) return null;
  return {
    smtpUrl: SMTP_URL ?? null,
    from: MAIL_FROM ?? 'parley@localhost',
    appUrl: APP_URL ?? `http://localhost:${port}`,
    templatesFolder: MAIL_TEMPLATES_FOLDER ?? null,
  };
}

/** Returns what is missing among the settings of mail. */
export function findMissingMailSettings(given: Record<string, string | undefined>): string[] {
  const missing: string[] = [];
  if (given['SMTP_URL'])
    for (const name of ['MAIL_FROM', 'APP_URL']) if (!given[name]) missing.push(`${name}: required with SMTP_URL`);
  if (given['NODE_ENV'] === 'production' && given['EMAIL_VERIFICATION'] === 'required' && !given['SMTP_URL'])
    missing.push('SMTP_URL: required with EMAIL_VERIFICATION=required, because users could not verify their emails');
  return missing;
}

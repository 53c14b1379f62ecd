import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { Inbox } from './inbox.js';

export interface ReceivedMail {
  /** The envelope. */
  from: string;
  to: string[];
  /** As it was sent, with decoded quoted-printable parts. */
  source: string;
  /** The token of its link, or an empty text. */
  token: string;
}

/** A real SMTP server that keeps what it receives. */
export class MailServer implements AsyncDisposable {
  readonly inbox = new Inbox<ReceivedMail>();
  /** The reply code to the next recipients, one each. */
  readonly refusals: number[] = [];
  /** The number of mails that were offered. */
  offered = 0;

  private constructor(private readonly server: SMTPServer) {}

  static async start(): Promise<MailServer> {
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onRcptTo(_address, _session, callback) {
        mails.offered += 1;
        const responseCode = mails.refusals.shift();
        callback(responseCode ? Object.assign(new Error('Refused jane@example.com'), { responseCode }) : null);
      },
      onData(stream, session, callback) {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const { mailFrom, rcptTo } = session.envelope;
          const source = decode(Buffer.concat(chunks).toString('latin1'));
          const token = /#token=([\w-]+)/.exec(source)?.[1] ?? '';
          const from = mailFrom === false ? '' : (mailFrom?.address ?? '');
          mails.inbox.push({ from, to: rcptTo.map(({ address }) => address), source, token });
          callback();
        });
      },
    });
    const mails = new MailServer(server);
    server.on('error', () => {});
    const listening = server.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    return mails;
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.server.server.address() as AddressInfo).port}`;
  }

  /** The settings of a server that sends its mails here. */
  get settings(): Record<string, string> {
    return { SMTP_URL: this.url, MAIL_FROM: 'Parley <parley@example.com>', APP_URL: 'https://chat.example.com/app' };
  }

  async next(): Promise<ReceivedMail> {
    return (await this.inbox.next())!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.server.close(resolve));
  }
}

const decode = (source: string): string =>
  Buffer.from(
    source
      .replace(/=\r\n/g, '')
      .replace(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  ).toString();

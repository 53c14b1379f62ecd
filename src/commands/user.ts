import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { AccountAdminService, type AccountSummary } from '../auth/account-admin.service.js';
import { RegisterInput } from '../auth/auth.types.js';
import { findWeakness } from '../auth/password-strength.js';
import { Passwords } from '../auth/passwords.js';
import { Role } from '../auth/role.js';
import type { SecurityEventEntry } from '../auth/security-event.entity.js';
import { SecurityEvents } from '../auth/security-events.js';
import { DataExportService } from '../exports/data-export.service.js';
import type { EntityManager } from '../platform/db/orm.js';
import { validate } from '../platform/graphql/validation.js';
import { unlimited } from '../platform/limits/rate-limiter.js';
import { CommandError, createCommandLog, runCommand } from './command.js';
import { openConfiguredDatabase } from './configured-database.js';

const OPTIONS = {
  admin: { type: 'boolean', default: false },
  name: { type: 'string' },
  'password-stdin': { type: 'boolean', default: false },
} as const;

type Options = { admin: boolean; name?: string; 'password-stdin': boolean };

interface Action {
  /** The arguments of `npm run user:ACTION -- `. */
  usage: string;
  /** Resolves with a message, or with null. */
  run: (em: EntityManager, email: string, options: Options) => Promise<string | null>;
}

const securityEvents = new SecurityEvents(createCommandLog());
const accounts = new AccountAdminService(new Passwords(), securityEvents);

const ACTIONS: Record<string, Action> = {
  create: {
    usage: 'EMAIL [--admin] [--name NAME] [--password-stdin]',
    async run(em, email, options) {
      const { password, hint } = await readPassword(options);
      const input = Object.assign(new RegisterInput(), { email, password, name: options.name });
      assertValid(input);
      const role = options.admin ? Role.ADMIN : Role.USER;
      await accounts.create(em, { email, password, name: options.name ?? null, role });
      return `Created ${email} (${role}).${hint}`;
    },
  },
  list: {
    usage: '',
    async run(em) {
      let count = 0;
      for await (const account of accounts.list(em)) {
        console.log(formatAccount(account));
        count += 1;
      }
      return `${count} ${count === 1 ? 'account' : 'accounts'}.`;
    },
  },
  events: {
    usage: 'EMAIL',
    async run(em, email) {
      const events = await accounts.findEvents(em, email);
      assertFound(events !== null, email);
      let count = 0;
      for await (const event of events) {
        console.log(formatEvent(event));
        count += 1;
      }
      return `${count} ${count === 1 ? 'event' : 'events'} in the last 90 days.`;
    },
  },
  export: {
    usage: 'EMAIL',
    async run(em, email) {
      const lines = await new DataExportService(() => em.fork(), securityEvents, unlimited).openByEmail(email);
      assertFound(lines !== null, email);
      await pipeline(Readable.from(lines), process.stdout, { end: false });
      return null;
    },
  },
  disable: {
    usage: 'EMAIL',
    async run(em, email) {
      assertFound(await accounts.disable(em, email), email);
      return `Disabled ${email} and ended its sessions. Undo it with user:enable.`;
    },
  },
  enable: {
    usage: 'EMAIL',
    async run(em, email) {
      assertFound(await accounts.enable(em, email), email);
      return `Enabled ${email}.`;
    },
  },
  grant: {
    usage: 'EMAIL',
    async run(em, email) {
      assertFound(await accounts.setRole(em, email, Role.ADMIN), email);
      return `${email} is now an admin.`;
    },
  },
  revoke: {
    usage: 'EMAIL',
    async run(em, email) {
      assertFound(await accounts.setRole(em, email, Role.USER), email);
      return `${email} is no longer an admin.`;
    },
  },
  'reset-password': {
    usage: 'EMAIL [--password-stdin]',
    async run(em, email, options) {
      const { password, hint } = await readPassword(options);
      assertValid(Object.assign(new RegisterInput(), { email, password }));
      assertFound(await accounts.resetPassword(em, email, password), email);
      return `Set a new password for ${email} and ended its sessions.${hint}`;
    },
  },
};

/** Reads the password from standard input, or generates one, which is printed once. */
async function readPassword(options: Options): Promise<{ password: string; hint: string }> {
  if (options['password-stdin']) return { password: (await text(process.stdin)).replace(/\r?\n$/, ''), hint: '' };
  const password = randomBytes(15).toString('base64url');
  return { password, hint: `\nPassword: ${password}` };
}

function assertValid(input: RegisterInput): void {
  const mistakes = Object.entries(validate(input)).map(([field, message]) => `${field}: ${message}`);
  if (mistakes.length > 0) throw new CommandError(mistakes.join('\n'));
  const weakness = findWeakness(input.password, [input.email, input.name]);
  if (weakness) throw new CommandError(`password: ${weakness}`);
}

function assertFound(found: boolean, email: string): asserts found {
  if (!found) throw new CommandError(`Account not found: ${email}`);
}

const formatAccount = ({ id, createdAt, role, disabledAt, email }: AccountSummary): string =>
  `${createdAt.toISOString()}  ${role.padEnd(5)}  ${disabledAt ? 'disabled' : 'active  '}  ${email ?? id}`;

const formatEvent = ({ at, type, address, userAgent }: SecurityEventEntry): string =>
  `${at.toISOString()}  ${type.padEnd(20)}  ${(address ?? '-').padEnd(18)}  ${(userAgent ?? '-').replaceAll(/\p{C}/gu, '?')}`;

/**
 * Manages accounts: `npm run user:create -- EMAIL` and so on. Uses the database of DATABASE_URL. The server may be running.
 */
await runCommand(async ([name = '', ...args]) => {
  const action = ACTIONS[name];
  if (!action) throw new CommandError(`Usage: npm run user:${Object.keys(ACTIONS).join('|')} -- EMAIL`);
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  if (positionals.length !== (action.usage ? 1 : 0))
    throw new CommandError(`Usage: npm run user:${name}${action.usage && ` -- ${action.usage}`}`);
  await using orm = await openConfiguredDatabase();
  const message = await action.run(orm.em.fork(), positionals[0] ?? '', values);
  if (message !== null) console.log(message);
});

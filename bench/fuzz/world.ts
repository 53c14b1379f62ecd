import { Attacker, type Reply } from '../attack/attacker.js';
import type { Random } from './random.js';

/** How many ids are remembered. */
const MAX_IDS = 300;

/** What the cases of a run share: the server, its users, and what has gone wrong. */
export class World {
  /** Ids that the server has returned, for later cases. */
  readonly ids: string[] = [];
  /** The access tokens of users. */
  tokens: string[] = [];
  readonly problems: string[] = [];

  /**
   * @param maxWaitMs how long a response to a complete request may take
   * @param now the clock for that
   */
  constructor(
    readonly url: string,
    readonly seed: number,
    readonly maxWaitMs: number,
    readonly now: () => number,
  ) {}

  /** Creates a client: of a user, with an invalid token, or without one. */
  createClient(random: Random, options: { isSignedIn?: boolean } = {}): Attacker {
    return new Attacker(this.url, '127.0.0.1', this.pickToken(random, options), this.now);
  }

  pickToken(random: Random, { isSignedIn = random.chance(0.85) }: { isSignedIn?: boolean } = {}): string | null {
    const token = random.pick(this.tokens);
    if (isSignedIn) return token;
    return random.pick([null, 'x', token.slice(0, -3), `${token}x`, token.replace('.', '..'), 'a.b.c', '%00']);
  }

  /** Checks a response to a complete request. */
  checkReply({ status, code, body, milliseconds }: Reply): void {
    if (code === 'timeout' || milliseconds > this.maxWaitMs)
      this.problems.push(`no response within ${this.maxWaitMs} ms (${milliseconds.toFixed(0)} ms, ${code})`);
    if (status >= 500 && status !== 503) this.problems.push(`status ${status}: ${body.slice(0, 300)}`);
    this.checkText(body);
  }

  /** Checks what was received in any other way, and remembers the ids in it. */
  checkText(text: string): void {
    const [, status] = /^HTTP\/1\.1 (5(?!03)\d\d)/m.exec(text) ?? [];
    if (status) this.problems.push(`status ${status}: ${text.slice(0, 300)}`);
    const internal = text.indexOf('INTERNAL_SERVER_ERROR');
    if (internal >= 0) this.problems.push(`internal error: ${text.slice(Math.max(0, internal - 200), internal + 100)}`);
    for (const [, id] of text.matchAll(/"id":"([^"\\]+)"/g)) {
      this.ids.push(id!);
      if (this.ids.length > MAX_IDS) this.ids.shift();
    }
  }
}

/** A kind of input. Its function runs one case. */
export type FuzzKind = (random: Random, world: World, index: number) => Promise<void>;

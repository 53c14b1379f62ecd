import type { IncomingMessage } from 'node:http';
import type { Logger } from '../../platform/telemetry/log.js';
import { isLoopback } from '../../platform/net/loopback.js';

export interface OriginOptions {
  /** The origins of CORS_ORIGIN. */
  corsOrigins: readonly string[];
  /** Allows pages of this machine, whatever their port. */
  allowsLoopback: boolean;
  /** Whether pages that this server itself serves may open WebSockets. */
  allowsOwnPages: (request: IncomingMessage) => boolean;
}

const MAX_LOGGED_LENGTH = 200;

/** Decides which pages may call the API, by the Origin header that browsers send. */
export class AllowedOrigins {
  readonly #isConfigured: (origin: string) => boolean;

  constructor(
    private readonly options: OriginOptions,
    private readonly log: Logger,
  ) {
    this.#isConfigured = createOriginCheck(options.corsOrigins);
  }

  /** Returns the origin of a request in a list if its page may read the response; otherwise null. */
  admit(request: IncomingMessage): [string] | null {
    const { origin } = request.headers;
    if (origin === undefined) return null;
    if (this.#isAllowed(origin)) return [origin];
    // Pages of this server need no CORS headers.
    if (!isSameOrigin(origin, request)) this.#logRefusal(origin);
    return null;
  }

  /** Whether the page of a request may open a WebSocket, which browsers do not restrict by themselves. */
  admitsSocket(request: IncomingMessage): boolean {
    const { origin } = request.headers;
    if (origin === undefined || this.#isAllowed(origin)) return true;
    if (this.options.allowsOwnPages(request) && isSameOrigin(origin, request)) return true;
    this.#logRefusal(origin);
    return false;
  }

  #isAllowed(origin: string): boolean {
    return this.#isConfigured(origin) || (this.options.allowsLoopback && isLoopbackPage(origin));
  }

  #logRefusal(origin: string): void {
    this.log.warn(
      { origin: origin.slice(0, MAX_LOGGED_LENGTH), setting: 'CORS_ORIGIN' },
      'A page of this origin may not call: if it is yours, add the origin to CORS_ORIGIN.',
    );
  }
}

/** @param allowed origins; a host that begins with `*.` stands for its subdomains at any depth, without the domain itself */
function createOriginCheck(allowed: readonly string[]): (origin: string) => boolean {
  const exact = new Set(allowed.filter((origin) => !origin.includes('*')));
  const wildcards = allowed.filter((origin) => origin.includes('*')).map((origin) => origin.split('*'));
  return (origin) =>
    exact.has(origin) ||
    wildcards.some(
      ([scheme = '', domain = '']) =>
        origin.startsWith(scheme) &&
        origin.endsWith(domain) &&
        /^[\w-]+(\.[\w-]+)*$/.test(origin.slice(scheme.length, -domain.length)),
    );
}

/** Whether the page that made the request was served by this server itself. */
const isSameOrigin = (origin: string, request: IncomingMessage): boolean =>
  URL.canParse(origin) && new URL(origin).host === request.headers.host;

function isLoopbackPage(origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, hostname } = new URL(origin);
  return ['http:', 'https:'].includes(protocol) && (isLoopback(hostname) || hostname.endsWith('.localhost'));
}

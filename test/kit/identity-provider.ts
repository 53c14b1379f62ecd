import { randomBytes, createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { Provider } from 'oidc-provider';

const CLIENT_ID = 'parley-app';
const REDIRECT_URI = 'https://chat.example.com/callback';

/** What the provider says about a user. */
export interface Person {
  sub: string;
  email?: string;
  email_verified?: boolean;
  name?: string;
}

/** A real OpenID provider, with one client. */
export class IdentityProvider implements AsyncDisposable {
  readonly #people = new Map<string, Person>();
  readonly #redirectUris = [REDIRECT_URI];
  #handle: RequestListener = (_request, response) => void response.writeHead(503).end();
  #isAway = false;
  /** How often the keys were fetched. */
  fetches = 0;

  private constructor(
    private readonly server: Server,
    readonly issuer: string,
  ) {}

  /** @param algorithm signs the ID tokens */
  static async start(algorithm = 'RS256'): Promise<IdentityProvider> {
    const server = createServer((request, response) => {
      if (request.url === '/jwks') provider.fetches += 1;
      if (provider.#isAway) return void response.writeHead(503).end();
      provider.#handle(request, response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const provider = new IdentityProvider(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await provider.rotate(algorithm);
    return provider;
  }

  /** The settings of a server that accepts its tokens. */
  get settings(): Record<string, string> {
    return {
      IDENTITY_ISSUER: this.issuer,
      IDENTITY_AUDIENCE: CLIENT_ID,
      IDENTITY_JWKS_URL: `${this.issuer}/jwks`,
    };
  }

  /** The settings of a server whose web chat signs users in. */
  get signInSettings(): Record<string, string> {
    return {
      ...this.settings,
      IDENTITY_AUTHORIZATION_URL: `${this.issuer}/auth`,
      IDENTITY_TOKEN_URL: `${this.issuer}/token`,
      IDENTITY_NAME: 'Example Shop',
    };
  }

  /** Adds a person, whose name is a link on the login page. */
  add(person: Person): void {
    this.#people.set(person.sub, person);
  }

  /** Lets the web chat at this URL use the provider. */
  async allow(url: string): Promise<void> {
    this.#redirectUris.push(`${url}/identity`);
    await this.rotate('RS256');
  }

  /** Replaces the keys. */
  async rotate(algorithm: string): Promise<void> {
    const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
    const jwk = { ...(await exportJWK(privateKey)), use: 'sig', alg: algorithm } as JWK;
    const provider = new Provider(this.issuer, {
      clients: [
        {
          client_id: CLIENT_ID,
          redirect_uris: this.#redirectUris,
          response_types: ['code'],
          grant_types: ['authorization_code'],
          token_endpoint_auth_method: 'none',
          id_token_signed_response_alg: algorithm as never,
        },
      ],
      jwks: { keys: [jwk] },
      clientBasedCORS: (_context, origin) => this.#redirectUris.includes(`${origin}/identity`),
      cookies: { keys: [randomBytes(16).toString('hex')] },
      claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
      conformIdTokenClaims: false,
      enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256', 'EdDSA'] as never },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
      findAccount: (_context, sub) => ({ accountId: sub, claims: async () => ({ ...this.#people.get(sub)!, sub }) }),
      // Consent is given at once.
      async loadExistingGrant({ oidc }) {
        const grant = new oidc.provider.Grant({ clientId: CLIENT_ID, accountId: oidc.session!.accountId });
        grant.addOIDCScope('openid email profile');
        await grant.save();
        return grant;
      },
    });
    provider.on('server_error', (_context, error) => console.error(error));
    const handle = provider.callback();
    this.#handle = (request, response) => {
      const { pathname, searchParams } = new URL(request.url!, this.issuer);
      if (!pathname.startsWith('/interaction/')) return void handle(request, response);
      const accountId = searchParams.get('sub');
      if (accountId) return void provider.interactionFinished(request, response, { login: { accountId } });
      const links = [...this.#people.values()].map(({ sub, name }) => `<a href="?sub=${sub}">${name}</a>`);
      response.writeHead(200, { 'content-type': 'text/html' }).end(links.join('<br>'));
    };
  }

  /** While it is away, it responds with 503. */
  goAway(): void {
    this.#isAway = true;
  }

  /** Signs a person in as a browser would, and returns the ID token. */
  async signIn(person: Person): Promise<string> {
    this.add(person);
    const cookies = new Map<string, string>();
    const visit = async (url: string): Promise<string> => {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const response = await fetch(new URL(url, this.issuer), { redirect: 'manual', headers: { cookie } });
      for (const header of response.headers.getSetCookie()) {
        const [pair] = header.split(';');
        const [name, value] = pair!.split(/=(.*)/s);
        cookies.set(name!, value!);
      }
      const location = response.headers.get('location');
      if (!location) throw new Error(`Expected a redirect: ${response.status} ${await response.text()}`);
      return location;
    };
    const verifier = randomBytes(32).toString('base64url');
    const request = new URLSearchParams({
      client_id: CLIENT_ID,
      response_type: 'code',
      scope: 'openid email profile',
      redirect_uri: REDIRECT_URI,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    let location = await visit(`/auth?${request.toString()}`);
    if (location.includes('/interaction/')) location = await visit(`${location}?sub=${person.sub}`);
    while (!location.startsWith(REDIRECT_URI)) location = await visit(location);
    const response = await fetch(`${this.issuer}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: CLIENT_ID,
        code: new URL(location).searchParams.get('code')!,
        redirect_uri: REDIRECT_URI,
        code_verifier: verifier,
      }),
    });
    return ((await response.json()) as { id_token: string }).id_token;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

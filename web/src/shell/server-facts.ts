/** What the server has written into the page about itself. */
export interface ServerFacts {
  version: string;
  /** Whether the playground is served. */
  playground: boolean;
  /** Whether the demo model answers, which knows commands. */
  demo: boolean;
  /** Whether the server can send mails. */
  mail: boolean;
  /** Whether users are asked to verify their email, and whether they must before they ask. */
  verification: 'off' | 'optional' | 'required';
  /** Whether visitors can talk without an account. */
  guests: boolean;
  /** Whether accounts can be created with an email and a password. */
  registration: boolean;
  /** The operator's own login, or null. */
  identity: IdentityProvider | null;
}

export interface IdentityProvider {
  name: string;
  authorizationUrl: string;
  tokenUrl: string;
  clientId: string;
}

/** Of a page that comes from the development server of Vite. */
const DEFAULTS: ServerFacts = {
  version: '',
  playground: false,
  demo: false,
  mail: false,
  verification: 'off',
  guests: false,
  registration: true,
  identity: null,
};

export const serverFacts: ServerFacts = {
  ...DEFAULTS,
  ...(JSON.parse(document.documentElement.dataset['server'] ?? '{}') as Partial<ServerFacts>),
};

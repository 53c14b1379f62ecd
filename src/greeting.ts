import type { Configuration } from './platform/config/configuration.js';
import type { ProviderConfiguration } from './platform/config/provider.js';
import { describeDatabase, describeReset } from './platform/db/describe-database.js';
import type { RunningServer } from './server.js';

/** Returns what `npm start` prints in development when the server listens. */
export function createGreeting({ database, http, provider }: Configuration, server: RunningServer): string {
  const { url } = server;
  const describePage = (page: 'playground' | 'webChat', address: string, name: string) =>
    server[page] ? `${address}   (open it in a browser)` : http[page] ? NOT_BUILT : `off: set ${name}=on`;
  return `
  Parley is running.

    Chat        ${describePage('webChat', `${url}/       `, 'WEB_CHAT')}
    API         ${url}/graphql   (HTTP and WebSocket)
    Playground  ${describePage('playground', `${url}/graphql`, 'PLAYGROUND')}
    Database    ${describeDatabase(database)}
    Reset       ${describeReset(database)}
    Model       ${provider ? describeProvider(provider) : 'the built-in demo: set OPENAI_API_KEY for a real one'}
`;
}

const NOT_BUILT = 'not built: run `npm run build`';

/** Returns the model and where it is. */
export const describeProvider = ({ model, baseUrl }: ProviderConfiguration): string =>
  baseUrl === null ? model : `${model} at ${baseUrl}`;

import type { DestinationStream } from 'pino';
import type { Configuration } from './platform/config/configuration.js';
import { getDatabaseSecrets } from './platform/db/database.js';
import { createLog, type Logger } from './platform/telemetry/log.js';

/** Creates the log of the server, which contains none of its secrets: JSON in production, readable lines in development. */
export function createServerLog(config: Configuration, destination?: DestinationStream): Logger {
  const secrets = [
    config.auth.jwtSecret,
    ...config.auth.jwtPreviousSecrets,
    config.provider?.apiKey,
    config.provider?.fallback?.apiKey,
    ...Object.values(config.provider?.extraHeaders ?? {}),
    config.metrics?.token,
    ...(config.tools?.secrets ?? []),
    config.mail?.smtpUrl && decodeURIComponent(new URL(config.mail.smtpUrl).password),
    ...getDatabaseSecrets(config.database),
    config.redis && decodeURIComponent(new URL(config.redis.url).password),
  ];
  return createLog({
    level: config.log.level,
    format: config.environment === 'development' ? 'pretty' : 'json',
    secrets: secrets.filter((secret) => !!secret) as string[],
    destination,
  });
}

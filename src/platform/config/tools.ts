import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { TOOL_NAME } from '../tools/tool.js';
import { parseDuration } from './duration.js';
import { isHeader } from './header.js';
import { isHttpUrl } from './values.js';

/** A look-up of the operator's own that is called over HTTP. */
export interface HttpToolConfiguration {
  name: string;
  description: string;
  /** The JSON schema of its arguments. */
  input: Record<string, unknown>;
  url: string;
  headers: Record<string, string>;
  timeoutMs: number;
  /** Whether the URL may lead to a private or loopback address. */
  allowPrivate: boolean;
}

/** A server of the Model Context Protocol, whose tools the model may use. */
export interface McpServerConfiguration {
  /** Begins the names of its tools. */
  name: string;
  /** Its address for Streamable HTTP. */
  url: string;
  headers: Record<string, string>;
  /** For each call. */
  timeoutMs: number;
  allowPrivate: boolean;
  /** Tools that are offered although the server does not declare that they only read. */
  allow: string[];
}

export interface ToolsConfiguration {
  http: HttpToolConfiguration[];
  mcp: McpServerConfiguration[];
  /** The values from the environment that headers contain. */
  secrets: string[];
}

const DEFAULT_TIMEOUT_MS = 5_000;
const MAX_TIMEOUT_MS = 60_000;
const MAX_TOOLS = 32;
const MAX_MCP_SERVERS = 8;

const name = z.string().regex(TOOL_NAME, 'use 1 to 64 letters, digits, _ and -');
// The messages do not quote the value, because it may contain a key.
const url = z.string().refine(isHttpUrl, 'use an address that begins with http:// or https://');
const timeout = z
  .string()
  .transform((text) => parseDuration(text) ?? 0)
  .refine((ms) => ms > 0 && ms <= MAX_TIMEOUT_MS, 'use a duration of up to 60s, such as 5s')
  .default(DEFAULT_TIMEOUT_MS);
const inputSchema = z
  .record(z.string(), z.unknown())
  .refine((schema) => schema['type'] === 'object', 'must be a JSON schema with "type": "object"')
  .refine(isUsableSchema, 'must be a JSON schema without keywords that are not supported');

function createFileSchema(environment: Readonly<Record<string, string | undefined>>, secrets: Set<string>) {
  const headers = z
    .record(z.string(), z.string())
    .default({})
    .transform((given, context) => {
      const entries = Object.entries(given).map(([header, text]) => {
        const value = text.replaceAll(/\$\{(\w+)\}/g, (_match, variable: string) => {
          const found = environment[variable];
          if (!found) context.addIssue({ code: 'custom', message: `the variable ${variable} is not set` });
          else secrets.add(found);
          return found ?? '';
        });
        if (!isHeader(header, value) || RESERVED.has(header.toLowerCase()))
          context.addIssue({ code: 'custom', message: `"${header}" is not a valid header` });
        return [header, value];
      });
      return Object.fromEntries(entries) as Record<string, string>;
    });
  const tool = z.strictObject({
    name: name.refine((text) => !BUILT_IN.has(text), 'is the name of a built-in tool'),
    description: z.string().min(1).max(2_000),
    input: inputSchema,
    url,
    headers,
    timeout,
    allowPrivate: z.boolean().default(false),
  });
  const mcp = z.strictObject({
    name: z.string().regex(/^[A-Za-z0-9_-]{1,32}$/, 'use 1 to 32 letters, digits, _ and -'),
    url,
    headers,
    timeout,
    allowPrivate: z.boolean().default(false),
    allow: z.array(z.string().min(1).max(128)).max(MAX_TOOLS).default([]),
  });
  const hasUniqueNames = (tools: { name: string }[]) => new Set(tools.map((each) => each.name)).size === tools.length;
  return z.strictObject({
    tools: z.array(tool).max(MAX_TOOLS).refine(hasUniqueNames, 'must have a different name each').default([]),
    mcp: z.array(mcp).max(MAX_MCP_SERVERS).refine(hasUniqueNames, 'must have a different name each').default([]),
  });
}

const BUILT_IN = new Set(['searchProducts', 'getProduct']);
const RESERVED = new Set([
  'host',
  'content-length',
  'content-type',
  'connection',
  'transfer-encoding',
  'accept-encoding',
]);

/**
 * Reads TOOLS_FILE, the look-ups of the operator's own. `${NAME}` in a header is the value of an environment variable.
 * Returns null with the mistakes, which quote no values.
 */
export function readToolsFile(
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
): { tools: ToolsConfiguration | null; mistakes: string[] } {
  const fail = (...messages: string[]) => ({ tools: null, mistakes: messages.map((text) => `TOOLS_FILE: ${text}`) });
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    return error instanceof SyntaxError
      ? fail(`the file "${path}" is not valid JSON`)
      : fail(`cannot read the file "${path}"; check its path and permissions`);
  }
  const secrets = new Set<string>();
  const result = createFileSchema(environment, secrets).safeParse(content);
  if (!result.success)
    return fail(
      ...result.error.issues.map(({ path: place, message }) =>
        place.length === 0 ? message : `${place.join('.')}: ${message}`,
      ),
    );
  const http = result.data.tools.map(({ timeout: timeoutMs, ...tool }) => ({ ...tool, timeoutMs }));
  const mcp = result.data.mcp.map(({ timeout: timeoutMs, ...server }) => ({ ...server, timeoutMs }));
  return { tools: { http, mcp, secrets: [...secrets] }, mistakes: [] };
}

function isUsableSchema(schema: Record<string, unknown>): boolean {
  try {
    z.fromJSONSchema(schema);
    return true;
  } catch {
    return false;
  }
}

import type { ToolsConfiguration } from '../config/tools.js';
import { readVersion } from '../config/package-root.js';
import type { Jobs } from '../jobs/jobs.js';
import type { Disposables } from '../lifecycle/disposables.js';
import type { Logger } from '../telemetry/log.js';
import { createHttpTool } from './http-tool.js';
import { createRedact } from './redact.js';
import type { Tool } from './tool.js';

/** Returns a function that returns the look-ups of TOOLS_FILE: those of MCP servers change while Parley runs. */
export async function createOperatorTools(
  configuration: ToolsConfiguration | null,
  { jobs, opened, log }: { jobs: Jobs; opened: Disposables; log: Logger },
): Promise<() => readonly Tool[]> {
  if (!configuration) return () => [];
  const redact = createRedact(configuration.secrets);
  const own = configuration.http.map((tool) => createHttpTool(tool, redact));
  if (configuration.mcp.length === 0) return () => own;
  // The SDK is loaded only if it is used.
  const { McpServer } = await import('./mcp-server.js');
  const servers = configuration.mcp.map((server) =>
    opened.use(new McpServer(server, { version: readVersion(), redact, log })),
  );
  const refresh = async () => void (await Promise.all(servers.map((server) => server.refresh())));
  await refresh();
  jobs.schedule('list tools of MCP servers', '* * * * *', refresh);
  return () => [...own, ...servers.flatMap(({ tools }) => tools)];
}

import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import { noTracing, type Tracing } from '../telemetry/tracing.js';
import { runTool, type ToolArguments, type ToolOutcome } from './run-tool.js';
import type { Tool, ToolContext } from './tool.js';

/** Runs tools, and measures and traces each call. */
export class ToolRunner {
  constructor(private readonly options: { metrics: Metrics; tracing: Tracing | null; log: Logger }) {}

  /** See `runTool`. */
  async run(tool: Tool | undefined, given: ToolArguments, context: ToolContext): Promise<ToolOutcome> {
    const { metrics, tracing, log } = this.options;
    // A name that the model has invented is not a label.
    const label = tool ? (tool.label ?? tool.name) : 'unknown';
    const beganAt = performance.now();
    const attributes = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': label };
    return await (tracing ?? noTracing).run(`execute_tool ${label}`, { kind: 'internal', attributes }, async (add) => {
      const result = await runTool(tool, given, context, log);
      add({ 'parley.outcome': result.outcome });
      metrics.toolCalls.inc({ tool: label, outcome: result.outcome });
      metrics.toolSeconds.observe({ tool: label }, (performance.now() - beganAt) / 1_000);
      return result;
    });
  }
}

import { z, type ZodType } from 'zod';
import type { ToolDefinition } from '../model/chat-model.js';

/** What a tool knows of the call. */
export interface ToolContext {
  /** The id of the call, as clients see it. */
  callId: string;
  userId: string;
  conversationId: string;
  /** Aborted when the call is not needed any more, or has taken too long. */
  signal: AbortSignal;
}

/** Something that a model may look up while it answers. It must not change anything: models call by mistake, too. */
export interface Tool<Input = unknown> {
  /** Letters, digits, _ and -: at most 64. */
  readonly name: string;
  /** Its name in metrics and traces, which must not come from outside. Default: `name`. */
  readonly label?: string;
  /** Tells the model when to use the tool, and what it returns. */
  readonly description: string;
  /** Checks the arguments, which a model has written. */
  readonly input: ZodType<Input>;
  /** The JSON schema of the arguments, which the provider receives. Default: that of `input`. */
  readonly parameters?: Record<string, unknown>;
  /** How long a call may take. */
  readonly timeoutMs: number;
  /**
   * Returns a value that can be written as JSON.
   * @throws ToolError with what the model is told; any other error is logged, and the model learns only that it failed
   */
  run(input: Input, context: ToolContext): Promise<unknown>;
}

/** Lets a tool declare the type of its input; callers pass only what `input` has accepted. */
export const defineTool = <Input>(tool: Tool<Input>): Tool => tool;

/** A failure that the model is told about. Its message must not contain secrets. */
export class ToolError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ToolError';
  }
}

export const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** Tools are few, and converting a schema takes longer than a call. */
const definitions = new WeakMap<Tool, ToolDefinition>();

/** Returns what a provider is told about a tool. */
export function toDefinition(tool: Tool): ToolDefinition {
  const known = definitions.get(tool);
  if (known) return known;
  const { name, description } = tool;
  const { $schema: _, ...parameters } = tool.parameters ?? z.toJSONSchema(tool.input, { io: 'input' });
  const definition = { name, description, parameters };
  definitions.set(tool, definition);
  return definition;
}

import type { CallToolResult } from '@modelcontextprotocol/client';
import { ToolError } from './tool.js';

const MAX_ERROR_LENGTH = 1_000;

/**
 * Converts the result of an MCP tool to what the model reads: the structured content, else the text, as JSON if it is.
 * Images and sounds are left out.
 * @throws ToolError with the server's message if the tool has failed
 */
export function toResult({ content, structuredContent, isError }: CallToolResult): unknown {
  const text = content.flatMap(toText).join('\n');
  if (isError) throw new ToolError(text.slice(0, MAX_ERROR_LENGTH).toWellFormed() || 'The look-up failed.');
  if (structuredContent !== undefined) return structuredContent;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return { text };
  }
}

function toText(block: CallToolResult['content'][number]): string[] {
  switch (block.type) {
    case 'text':
      return [block.text];
    case 'resource':
      return 'text' in block.resource ? [block.resource.text] : [];
    case 'resource_link':
      return [`${block.name}: ${block.uri}`];
    default:
      return [];
  }
}

import { buildTitlePrompt, TITLE_FORMAT } from '../../memory/title-prompt.js';
import { fitMetadataPrompt, METADATA_FORMAT } from '../../memory/metadata-prompt.js';
import { MessageRole } from '../../messages/message.enums.js';
import type { PromptMessage, StructuredFormat } from '../../platform/model/chat-model.js';
import type { Finding } from '../finding.js';
import type { Probe } from './probe.js';

const QUESTION = 'We look for a light tent for two people, for May. It may cost up to 400 euros.';
const ANSWER = 'The Fernlight weighs 1.4 kg and costs 349 euros. The Ridgeline is roomier, but heavier.';

/** Requests a title, as a new conversation does. @throws ModelError if there is no usable title */
export const checkTitle = (probe: Probe): Promise<Finding> =>
  checkStructured(probe, 'Titles', buildTitlePrompt(QUESTION), TITLE_FORMAT);

/**
 * Requests metadata, as a conversation does after every third exchange. @throws ModelError if they are not usable
 * @param contextTokens the maximum size of the prompt
 */
export function checkMetadata(probe: Probe, contextTokens: number): Promise<Finding> {
  const messages = [
    { role: MessageRole.USER, content: QUESTION },
    { role: MessageRole.ASSISTANT, content: ANSWER },
  ];
  const { prompt } = fitMetadataPrompt(null, messages, contextTokens);
  return checkStructured(probe, 'Memory', prompt, METADATA_FORMAT);
}

async function checkStructured(
  probe: Probe,
  subject: string,
  prompt: readonly PromptMessage[],
  format: StructuredFormat<unknown>,
): Promise<Finding> {
  const signal = new AbortController().signal;
  const { usage } = await probe.model.structured(prompt, format, { signal, onAttempt: probe.onAttempt });
  probe.count(usage);
  switch (probe.learned.get('structuredMode')) {
    case 'json_object':
      return { subject, state: 'warning', text: 'no json_schema', way: 'json_object, the schema is in the prompt' };
    case 'text':
      return {
        subject,
        state: 'warning',
        text: 'neither json_schema nor json_object',
        way: 'the schema is in the prompt, the first JSON object of the text is taken',
      };
    default:
      return { subject, state: 'ok', text: 'json_schema', way: 'json_schema' };
  }
}

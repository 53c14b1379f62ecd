import type { Configuration } from '../../platform/config/configuration.js';
import { OpenAIChatModel } from '../../platform/model/openai-chat-model.js';
import type { Finding } from '../finding.js';
import { inspect } from '../inspect.js';

const SUBJECT = 'Provider';

/** Looks at the provider as the server does after its start, and reports what that would log. */
export async function checkProvider({ provider, memory }: Configuration): Promise<Finding> {
  if (!provider) return { subject: SUBJECT, state: 'skipped', text: 'the built-in demo model' };
  using model = new OpenAIChatModel(provider);
  const { advice, status } = await inspect(model, provider, memory.contextTokens);
  if (advice) return { subject: SUBJECT, state: advice.isError ? 'failed' : 'warning', text: advice.text };
  if (status === 'ok')
    return { subject: SUBJECT, state: 'ok', text: `accepts the key, and lists the model ${provider.model}` };
  return {
    subject: SUBJECT,
    state: 'warning',
    text: 'has no list of models: run `npm run provider:check` to check key and model',
  };
}

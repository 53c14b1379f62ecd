/** How a provider ended a completion. */
export type Ending = 'stopped' | 'length' | 'filtered' | 'failed';

/** Provider-specific finish reasons, in lower case. The sources are in test/kit/providers. */
const ENDINGS = new Map<string, Ending>(
  Object.entries({
    length: 'length',
    max_tokens: 'length',
    max_output_tokens: 'length',
    model_length: 'length',
    content_filter: 'filtered',
    content_filtered: 'filtered',
    safety: 'filtered',
    image_safety: 'filtered',
    sensitive: 'filtered',
    recitation: 'filtered',
    blocklist: 'filtered',
    prohibited_content: 'filtered',
    spii: 'filtered',
    refusal: 'filtered',
    moderation: 'filtered',
    guardrail_intervened: 'filtered',
    error: 'failed',
    insufficient_system_resource: 'failed',
    network_error: 'failed',
    abort: 'failed',
    aborted: 'failed',
    cancelled: 'failed',
    timeout: 'failed',
  }),
);

/** Classifies a finish reason. An unknown one, such as `eos_token`, is a normal end. */
export const classifyFinishReason = (reason: string): Ending => ENDINGS.get(reason.toLowerCase()) ?? 'stopped';

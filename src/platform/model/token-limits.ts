/** The figures in an error about too many tokens. */
export interface TokenLimits {
  /** The model's context in tokens, prompt and answer together. */
  contextTokens: number | null;
  /** The tokens of the prompt. */
  promptTokens: number | null;
  /** The largest answer that may be requested. */
  maxOutputTokens: number | null;
}

/** The words of OpenAI, vLLM, llama.cpp, Mistral, Anthropic, Gemini, DeepSeek and LM Studio. */
const CONTEXT = [
  /maximum context length (?:is|of) (\d+)/i,
  /context length is only (\d+)/i,
  /model with (\d+) maximum context length/i,
  /"n_ctx": ?(\d+)/,
  /available context size \((\d+)/i,
  /prompt is too long: \d+ tokens > (\d+)/i,
  /context limit: \d+ \+ \d+ > (\d+)/i,
  /input token count.*?maximum number of tokens allowed \((\d+)\)/i,
  /context length of only (\d+)/i,
];
const PROMPT = [
  /\((\d+) in the messages/i,
  /(?:has|passed|contains) (\d+) (?:input )?tokens/i,
  /messages resulted in (\d+) tokens/i,
  /"n_prompt_tokens": ?(\d+)/,
  /prompt is too long: (\d+) tokens/i,
  /context limit: (\d+) \+/i,
  /input token count \((\d+)\)/i,
];
const OUTPUT = [
  /supports at most (\d+) completion tokens/i,
  /range of max_tokens is \[1, ?(\d+)\]/i,
  /max_tokens: \d+ > (\d+)/i,
];

/** Reads the figures that an error's text contains. */
export function readTokenLimits(text: string): TokenLimits {
  return {
    contextTokens: firstNumber(text, CONTEXT),
    promptTokens: firstNumber(text, PROMPT),
    maxOutputTokens: firstNumber(text, OUTPUT),
  };
}

function firstNumber(text: string, patterns: readonly RegExp[]): number | null {
  for (const pattern of patterns) {
    const found = Number(pattern.exec(text)?.[1]);
    if (found > 0) return found;
  }
  return null;
}

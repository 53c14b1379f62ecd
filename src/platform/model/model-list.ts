import { isRecord } from '../json/is-record.js';

/** A model in a provider's list. */
export interface ListedModel {
  id: string;
  /** Other names that the provider accepts. */
  aliases: string[];
  /** The context in tokens; null if the provider does not report it. */
  contextTokens: number | null;
  /** Whether the server uses this model whatever name a request contains, as llama.cpp does. */
  isOnlyModel: boolean;
}

const MIN_CONTEXT_TOKENS = 256;

/**
 * Reads the response of `GET /models`. Returns null if it is not a list of models.
 * Servers report the context under different names, here in the order of their precision: LM Studio, vLLM, llama.cpp,
 * OpenRouter, Groq, Mistral, LiteLLM. `n_ctx_train` is what the model was trained with, and only an upper bound.
 */
export function parseModelList(body: unknown): ListedModel[] | null {
  const list = isRecord(body) ? body['data'] : body;
  if (!Array.isArray(list)) return null;
  return list.filter(isRecord).flatMap((entry): ListedModel[] => {
    const { id, aliases, meta, top_provider: provider } = entry;
    if (typeof id !== 'string') return [];
    const candidates = [
      entry['loaded_context_length'],
      entry['max_model_len'],
      isRecord(meta) ? meta['n_ctx'] : null,
      isRecord(provider) ? provider['context_length'] : null,
      entry['context_length'],
      entry['context_window'],
      entry['max_context_length'],
      entry['max_input_tokens'],
      isRecord(meta) ? meta['n_ctx_train'] : null,
    ];
    return [
      {
        id,
        aliases: Array.isArray(aliases) ? aliases.filter((alias) => typeof alias === 'string') : [],
        contextTokens: candidates.find(isContextSize) ?? null,
        isOnlyModel: entry['owned_by'] === 'llamacpp' && list.length === 1,
      },
    ];
  });
}

/** Reads the context of the response of llama.cpp's `GET /props`. */
export function parseContextOfProps(body: unknown): number | null {
  const settings = isRecord(body) ? body['default_generation_settings'] : null;
  const size = isRecord(settings) ? settings['n_ctx'] : null;
  return isContextSize(size) ? size : null;
}

/** Finds a model by its name. Ollama adds the tag `latest`, and Gemini the prefix `models/`. */
export function findModel(list: readonly ListedModel[], name: string): ListedModel | null {
  const names = new Set([name, `${name}:latest`, `models/${name}`]);
  const isNamed = ({ id, aliases }: ListedModel) => names.has(id) || aliases.some((alias) => names.has(alias));
  return list.find(isNamed) ?? list.find(({ isOnlyModel }) => isOnlyModel) ?? null;
}

const isContextSize = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= MIN_CONTEXT_TOKENS;

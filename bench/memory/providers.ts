import { answerAsDemo, DEMO_MODEL } from '../../src/demo/demo-server.js';
import {
  startOpenAICompatibleServer,
  type ChatCompletionRequest,
  type CompletionHandler,
  type CompletionReply,
} from '../../src/demo/openai-compatible-server.js';

const PACE = { firstTokenDelayMs: 0, tokenIntervalMs: 0 };

/** The demo model, which follows the schema. */
const perfect: CompletionHandler = (request, reply) => answerAsDemo(request, reply, PACE);

/** The same model behind a server that ignores `response_format`: its JSON is in a fence between two sentences. */
const fenced: CompletionHandler = (request, reply) =>
  answerAsDemo(request, request.response_format ? enclose(reply) : reply, PACE);

function enclose(reply: CompletionReply): CompletionReply {
  let text = '';
  return {
    ...reply,
    delta: (piece) => void (text += piece),
    finish(reason, usage) {
      reply.delta(
        `Here is the JSON that you asked for:\n\n\`\`\`json\n${text}\n\`\`\`\n\nLet me know what else you need.`,
      );
      reply.finish(reason, usage);
    },
  };
}

export const PROVIDERS = { perfect, fenced };

/** Starts a provider that shows each request to `onRequest`. */
export const startProvider = (handler: CompletionHandler, onRequest: (request: ChatCompletionRequest) => void) =>
  startOpenAICompatibleServer(DEMO_MODEL, (request, reply) => {
    onRequest(request);
    return handler(request, reply);
  });

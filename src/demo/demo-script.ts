/** An error response in OpenAI's envelope, sent instead of an answer. */
export interface DemoFailure {
  status: number;
  code?: string;
  message: string;
}

/** What the demo model sends for one question. */
export interface DemoScript {
  /** Sent before the text, as models that think do. */
  reasoning?: string;
  text: string;
  /** A look-up that the model requests after the text. */
  call?: { name: string; arguments: unknown };
  /** How many times longer than usual the pauses are. Default: 1 */
  slowness?: number;
  /** Default: `stop`. `break` closes the connection. */
  end?: 'stop' | 'length' | 'content_filter' | 'break' | DemoFailure;
}

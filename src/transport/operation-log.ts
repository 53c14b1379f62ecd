import { getOperationAST, type DocumentNode, type GraphQLError } from 'graphql';
import type { ErrorCode } from '../platform/errors/error-code.js';
import type { RequestContext } from '../platform/graphql/context.js';
import type { Logger } from '../platform/telemetry/log.js';
import type { Metrics } from '../platform/telemetry/metrics.js';
import { getErrorCode } from './public-errors.js';

export type Transport = 'http' | 'websocket' | 'sse';

/** The name is chosen by the client. */
const MAX_NAME_LENGTH = 100;

/** What a line says of an operation. */
export interface OperationDescription {
  transport: Transport;
  /** Null if the operation was refused before its document was known. */
  document: DocumentNode | null;
  operationName?: string | null;
}

/** Writes a line for each operation of a client when it has ended, without variables and results. */
export class OperationLog {
  constructor(
    private readonly log: Logger,
    private readonly metrics: Metrics,
  ) {}

  begin(context: RequestContext, { transport, document, operationName }: OperationDescription): OperationEntry {
    const operation = document && getOperationAST(document, operationName);
    const name = (operation?.name?.value ?? operationName ?? null)?.slice(0, MAX_NAME_LENGTH) ?? null;
    const facts = { transport, operation: name, kind: operation?.operation ?? null };
    return new OperationEntry(context, facts, this.log, this.metrics);
  }

  /** Writes the line of an operation that was refused before it began. */
  refuse(context: RequestContext, description: OperationDescription, errors: readonly GraphQLError[]): void {
    const entry = this.begin(context, description);
    entry.addErrors(errors);
    entry.end();
  }
}

/** An operation in progress. */
export class OperationEntry {
  readonly #startedAt = performance.now();
  readonly #codes = new Set<ErrorCode>();
  #isEnded = false;

  constructor(
    private readonly context: RequestContext,
    private readonly facts: object,
    private readonly log: Logger,
    private readonly metrics: Metrics,
  ) {}

  addErrors(errors: readonly GraphQLError[] | undefined): void {
    for (const error of errors ?? []) {
      const code = getErrorCode(error);
      this.#codes.add(code);
      this.metrics.graphqlErrors.inc({ code });
    }
  }

  /** Writes the line, once. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const { requestId, origin, userId } = this.context;
    this.log.info(
      {
        event: 'operation',
        requestId,
        ...this.facts,
        userId,
        address: origin.address,
        durationMs: Math.round(performance.now() - this.#startedAt),
        outcome: this.#codes.size === 0 ? 'ok' : [...this.#codes].join(','),
      },
      'Operation',
    );
  }
}

import { ref } from '@mikro-orm/core';
import { User } from '../auth/user.entity.js';
import type { EntityManager } from '../platform/db/database.js';
import { ApiError } from '../platform/errors/api-error.js';
import { ErrorCode } from '../platform/errors/error-code.js';
import { ModelError } from '../platform/model/chat-model.js';
import { ModelCall, type ModelCallPurpose } from './model-call.entity.js';

/** What a call cost, and whether that was counted here. */
export interface Cost {
  promptTokens: number;
  completionTokens: number;
  estimated: boolean;
}

export interface UsageTotals extends Cost {
  /** Of which were answers. */
  answers: number;
}

export class QuotaExceededError extends ApiError {
  /** @param retryAfter in seconds */
  constructor(retryAfter: number) {
    super(ErrorCode.QUOTA_EXCEEDED, 'Your tokens for today are spent; they are counted anew from midnight, UTC.', {
      retryAfter,
    });
  }
}

/** Keeps account of what the provider's calls cost. */
export class UsageService {
  /** @param dailyQuota tokens per user and UTC day, or null for no limit */
  constructor(private readonly dailyQuota: number | null) {}

  /** Persists without flushing, so that it can share the answer's own transaction. */
  record(em: EntityManager, userId: string, purpose: ModelCallPurpose, cost: Cost): void {
    const call = new ModelCall();
    call.user = ref(User, userId);
    call.purpose = purpose;
    call.promptTokens = cost.promptTokens;
    call.completionTokens = cost.completionTokens;
    call.estimated = cost.estimated;
    em.persist(call);
  }

  /** Records what a call has cost that failed after the provider had answered. */
  async recordFailed(em: EntityManager, userId: string, purpose: ModelCallPurpose, error: unknown): Promise<void> {
    if (!(error instanceof ModelError) || !error.usage) return;
    this.record(em, userId, purpose, { ...error.usage, estimated: false });
    await em.flush();
  }

  /** What the user's calls have cost from `from` on and before `to`; null is no border. */
  async total(em: EntityManager, userId: string, from: Date | null, to: Date | null): Promise<UsageTotals> {
    const [row] = await em.execute<Record<'answers' | 'prompt' | 'completion' | 'estimated', number | string>[]>(
      `select count(case when purpose = 'ANSWER' then 1 end) as answers,
              coalesce(sum(prompt_tokens), 0) as prompt,
              coalesce(sum(completion_tokens), 0) as completion,
              count(case when estimated then 1 end) as estimated
       from model_calls where user_id = ? and at >= ? and at < ?`,
      [userId, from ?? BEGINNING, to ?? END],
    );
    return {
      answers: Number(row!.answers),
      promptTokens: Number(row!.prompt),
      completionTokens: Number(row!.completion),
      estimated: Number(row!.estimated) > 0,
    };
  }

  /** @throws QuotaExceededError when today's tokens are spent. */
  async assertWithinQuota(em: EntityManager, userId: string, now = new Date()): Promise<void> {
    if (this.dailyQuota === null) return;
    const midnight = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()));
    const { promptTokens, completionTokens } = await this.total(em, userId, midnight, null);
    if (promptTokens + completionTokens < this.dailyQuota) return;
    throw new QuotaExceededError(Math.ceil((midnight.getTime() + DAY - now.getTime()) / 1000));
  }
}

const DAY = 86_400_000;
const BEGINNING = new Date(0);
/** The last instant that PostgreSQL, too, can tell. */
const END = new Date('9999-12-31T00:00:00Z');

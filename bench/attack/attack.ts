import type { Target, TargetOptions } from './target.js';

export interface Outcome {
  /** What the attacker got: status, codes, bytes. */
  got: string;
  /** Whether the attacker was refused or limited as it should be. */
  isDefended: boolean;
}

export interface Attack extends TargetOptions {
  name: string;
  /** Creates what the attacker needs, such as accounts. Returns the attack itself, which is measured. */
  prepare: (target: Target) => Promise<() => Promise<Outcome>>;
}

/** Counts equal values: `RATE_LIMITED × 480, ok × 20`. */
export function summarize(values: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([value, count]) => (count === 1 ? value : `${value} × ${count}`))
    .join(', ');
}

/** Calls `create` for 0 to `count` - 1. */
export const times = <T>(count: number, create: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => create(index));

export const toMegabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

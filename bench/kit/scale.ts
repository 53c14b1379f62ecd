/** The share of the full size at which a benchmark runs. Less than 1 is to see that it works, never for its figures. */
export const SCALE = Number(process.env['SCALE'] ?? 1);

/** Returns the count at this scale. */
export const toCount = (count: number, min = 4): number => Math.max(min, Math.round(count * SCALE));

/** Returns the lines of application code by example, and those of the markup that they share. */
export function countExampleLines(): Record<string, number>;

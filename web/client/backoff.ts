/** When to come back after a connection has ended: pure. */

export const BASE_MS = 500;
export const CAP_MS = 30_000;

/** `firm`: the server asked for this time, so no hint of the browser cuts it short. */
export interface Return {
  delay: number;
  firm: boolean;
}

export interface Ending {
  code: number;
  /** Connections in a row that ended without having been of use. */
  attempt: number;
  /** What the server's `reconnect` said, if it said so. */
  afterMs?: number | undefined;
}

/** Full jitter: anything up to a bound that doubles, so that clients dropped at once do not come back at once. */
export function fullJitter(attempt: number, random: number): number {
  return random * Math.min(CAP_MS, BASE_MS * 2 ** Math.min(attempt, 10));
}

/** When to come back, or undefined: never, it would end the same. `random` is from 0 to 1. */
export function comeBack({ code, attempt, afterMs }: Ending, random: number): Return | undefined {
  if (code === 1009 || code === 4400 || code === 4409) return undefined;
  if (afterMs !== undefined) return { delay: afterMs, firm: true };
  const delay = fullJitter(attempt, random);
  if (code === 1013) return { delay: 3_000 + 4_000 * random + delay, firm: true };
  if (code === 4429) return { delay: 5_000 + fullJitter(attempt + 4, random), firm: true };
  if (code === 1012) return { delay: 200 + fullJitter(attempt + 3, random), firm: false };
  if (code === 4401 && attempt === 0) return { delay: 0, firm: false };
  return { delay, firm: false };
}

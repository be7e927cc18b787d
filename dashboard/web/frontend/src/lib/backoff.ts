// How long to wait before the next attempt: the usual pace while all is well, then 1, 2, 4 ... 30 seconds.

export const LONGEST_WAIT = 30_000;

export function waitAfter(failures: number, pace: number): number {
  if (failures <= 0) return pace;
  return Math.min(LONGEST_WAIT, 1000 * 2 ** Math.min(failures - 1, 10));
}

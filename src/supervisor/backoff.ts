/** How long a process must live before its next death counts as the first again. */
export const STABLE_AFTER_MS = 10_000;

/** The longest wait before a restart: a process that cannot start is tried about twice a minute. */
export const RESTART_DELAY_MS_MAX = 30_000;

const SECOND_DELAY_MS = 250;

/**
 * Returns how long to wait before starting a process again after its `failures`-th death in a row (1 is the first).
 * The first restart is immediate, so that a killed worker is back within a second; then the wait doubles from 250 ms
 * up to {@link RESTART_DELAY_MS_MAX}.
 */
export function restartDelayMs(failures: number): number {
  if (failures <= 1) return 0;
  return Math.min(RESTART_DELAY_MS_MAX, SECOND_DELAY_MS * 2 ** Math.min(failures - 2, 20));
}

import type { Clock, Timer } from "./clock.ts";

/** The longest delay a Node timer takes: 2^31-1 ms. Longer ones would fire at once. */
const TIMER_MS_MAX = 2_147_483_647;

/** The machine's clock. The one place where real timers and the real date are read. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, options) =>
    new Promise((resolve, reject) => {
      const signal = options?.signal;
      if (signal?.aborted === true) {
        reject(abortReason(signal));
        return;
      }
      const onAbort = (): void => {
        timer.cancel();
        if (signal !== undefined) reject(abortReason(signal));
      };
      const timer = startTimer(ms, () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      });
      signal?.addEventListener("abort", onAbort, { once: true });
    }),
  timer: startTimer,
};

function startTimer(ms: number, callback: () => void): Timer {
  let leftMs = Math.max(0, ms);
  let handle: NodeJS.Timeout;
  const arm = (): void => {
    const stepMs = Math.min(leftMs, TIMER_MS_MAX);
    leftMs -= stepMs;
    handle = setTimeout(() => (leftMs > 0 ? arm() : callback()), stepMs);
    handle.unref();
  };
  arm();
  return { cancel: () => clearTimeout(handle) };
}

function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error("Aborted", { cause: signal.reason });
}

/** The machine's dice: numbers in [0, 1). For balancing and jitter, never for secrets. */
export const systemRandom: () => number = Math.random;

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** How long the end may take, when it is waited for. */
export interface Patience {
  /** Aborts when what is held then is not waited for any longer. */
  readonly signal: AbortSignal;
  /** The input has come to its end. */
  atEnd(): void;
  /** Takes all listeners and timers away. */
  release(): void;
}

/**
 * The end is waited for `flushTimeoutMs` (null: without limit), `graceMs` once `interrupted` has aborted, and not at all after a second
 * signal. A third one ends the process as usual.
 */
export function startPatience(interrupted: AbortSignal, graceMs: number, flushTimeoutMs: number | null): Patience {
  const over = new AbortController();
  const timers = new Set<NodeJS.Timeout>();
  const end = (): void => over.abort();
  const after = (ms: number): void => void timers.add(setTimeout(end, ms));
  const onInterrupt = (): void => {
    // In the turn of the first signal: whoever handled that has no listener any more, and a second one would end the process.
    for (const signal of signals) process.on(signal, end);
    after(graceMs);
  };
  if (interrupted.aborted) onInterrupt();
  else interrupted.addEventListener("abort", onInterrupt, { once: true });
  return {
    signal: over.signal,
    atEnd: () => {
      if (flushTimeoutMs !== null) after(flushTimeoutMs);
    },
    release: () => {
      interrupted.removeEventListener("abort", onInterrupt);
      for (const signal of signals) process.off(signal, end);
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

import { InvalidArgumentError, TimeoutError } from "@nats-io/nats-core";
import type { Runtime, Timer } from "../runtime.ts";

/** How long a caller waits; without either, until what it waits for comes. */
export interface Patience {
  /** Milliseconds from 0, `Infinity` for no limit. Then the wait rejects with nats-core's `TimeoutError`. */
  readonly timeout?: number;
  /** When it aborts, the wait rejects with its `reason`. */
  readonly signal?: AbortSignal;
}

/** @throws InvalidArgumentError naming what is wrong */
export function checkPatience({ timeout, signal }: Patience): void {
  if (timeout !== undefined && !(typeof timeout === "number" && timeout >= 0)) {
    throw InvalidArgumentError.format("timeout", `must be a number of milliseconds from 0, got ${String(timeout)}`);
  }
  if (signal !== undefined && typeof signal?.addEventListener !== "function") {
    throw InvalidArgumentError.format("signal", "must be an AbortSignal");
  }
}

/**
 * Calls `giveUp` once, with what the wait rejects with, when patience ends. The function it returns stops timer and listener: to be called
 * when the wait ends otherwise. The timer alone does not keep the process alive: the connection does, as long as there is something to wait for.
 */
export function limitWait(patience: Patience, runtime: Runtime, giveUp: (reason: unknown) => void): () => void {
  const { timeout = Infinity, signal } = patience;
  let timer: Timer | undefined;
  const stop = (): void => {
    timer?.cancel();
    signal?.removeEventListener("abort", aborted);
  };
  const end = (reason: unknown): void => {
    stop();
    giveUp(reason);
  };
  const aborted = (): void => end(signal?.reason);
  if (timeout !== Infinity) {
    timer = runtime.timer(timeout, () => end(new TimeoutError()));
    timer.keepAlive(false);
  }
  signal?.addEventListener("abort", aborted);
  return stop;
}

import { setImmediate } from "node:timers/promises";

/** What became of a promise so far: "waiting", "resolved", or what it rejected with. */
export class Watched {
  outcome: unknown = "waiting";

  constructor(promise: Promise<void>) {
    promise.then(
      () => {
        this.outcome = "resolved";
      },
      (reason: unknown) => {
        this.outcome = reason;
      },
    );
  }

  /** The outcome when all promise jobs that are due have run. */
  async now(): Promise<unknown> {
    await setImmediate();
    return this.outcome;
  }
}

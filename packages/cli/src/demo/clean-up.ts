/**
 * Ends, in reverse order, what a run has started: at its end, or in the middle of it when the user interrupts. What is added after that
 * is ended at once, so that nothing that starts late is left behind.
 */
export class CleanUp {
  readonly #steps: (() => Promise<void>)[] = [];
  #run: Promise<void> | null = null;

  /** `step` runs once. */
  async add(step: () => Promise<void>): Promise<void> {
    if (this.#run === null) this.#steps.push(step);
    else await step();
  }

  /** Runs every step even if one fails; rejects with the first failure. Safe to call again: it is the same run. */
  run(): Promise<void> {
    this.#run ??= this.#runAll();
    return this.#run;
  }

  async #runAll(): Promise<void> {
    const failures: unknown[] = [];
    for (;;) {
      const step = this.#steps.pop();
      if (step === undefined) break;
      await step().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}

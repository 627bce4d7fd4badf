import type { Runtime } from "../runtime.ts";

type State = { readonly kind: "open" } | { readonly kind: "closed"; readonly error: Error };

/** Whether a publisher takes messages, and how it ends. */
export class Life {
  readonly #runtime: Runtime;
  #state: State = OPEN;
  #closing: Promise<void> | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** What `publish()` is refused with; undefined while it is not. */
  get refusal(): Error | undefined {
    return this.#state.kind === "open" ? undefined : this.#state.error;
  }

  /** Refuses from now on. The reason is the first one's. */
  end(error: Error): Error {
    if (this.#state.kind === "closed") return this.#state.error;
    this.#state = { kind: "closed", error };
    return error;
  }

  /** Waits for `flushed`, at most `timeout` milliseconds, then calls `finish`; once, whoever calls. */
  close(flushed: Promise<void>, timeout: number | undefined, finish: () => void): Promise<void> {
    this.#closing ??= this.#atMost(flushed, timeout).then(finish);
    return this.#closing;
  }

  async #atMost(flushed: Promise<void>, timeout: number | undefined): Promise<void> {
    if (timeout === undefined) return await flushed;
    await new Promise<void>((resolve) => {
      const timer = this.#runtime.timer(timeout, resolve);
      const done = (): void => {
        timer.cancel();
        resolve();
      };
      flushed.then(done, done);
    });
  }
}

const OPEN: State = { kind: "open" };

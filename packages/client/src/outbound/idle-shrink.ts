import type { Runtime, Timer } from "../runtime.ts";
import type { Log } from "./log.ts";
import type { Writer } from "./writer.ts";

/** Nothing held and nothing published for this long is idle, ms. */
const IDLE_MS = 1000;

/** Lets go of the memory that an idle connection does not need. One coarse timer, so that a busy one pays nothing. */
export class IdleShrink {
  readonly #log: Log;
  readonly #writer: Writer;
  readonly #runtime: Runtime;
  #timer: Timer | undefined;
  #accepted = 0;

  constructor(log: Log, writer: Writer, runtime: Runtime) {
    this.#log = log;
    this.#writer = writer;
    this.#runtime = runtime;
  }

  /** After `accepted` messages nothing is held, or more memory is kept than is needed. */
  arm(accepted: number): void {
    this.#accepted = accepted;
    if (this.#timer !== undefined) return;
    this.#timer = this.#runtime.timer(IDLE_MS, () => {
      this.#timer = undefined;
      this.#log.ease();
      if (this.#log.hasSpare) {
        this.arm(this.#accepted);
        return;
      }
      if (this.#log.heldFrames > 0) return;
      if (this.#accepted !== accepted) {
        this.arm(this.#accepted);
        return;
      }
      this.#log.shrink();
      this.#writer.shrink();
    });
    this.#timer.keepAlive(false);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

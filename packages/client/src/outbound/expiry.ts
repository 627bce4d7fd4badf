import type { Runtime, Timer } from "../runtime.ts";
import type { Ages } from "./ages.ts";
import type { Endings } from "./endings.ts";
import type { Log } from "./log.ts";

/** Expiring waits up to this long, so that many messages need one timer, ms. */
const SLACK_MS = 20;

/** Ends buffered frames that are older than the connection's `maxAge`, also while there is no connection. */
export class Expiry {
  readonly #maxAge: number;
  readonly #runtime: Runtime;
  readonly #log: Log;
  readonly #ages: Ages;
  readonly #endings: Endings;
  #timer: Timer | undefined;

  constructor(maxAge: number, runtime: Runtime, log: Log, ages: Ages, endings: Endings) {
    this.#maxAge = maxAge;
    this.#runtime = runtime;
    this.#log = log;
    this.#ages = ages;
    this.#endings = endings;
  }

  /** Ends what is too old now. */
  run(now: number): void {
    if (this.#maxAge === Infinity) return;
    const log = this.#log;
    const young = this.#ages.firstAfter(now - this.#maxAge) ?? log.tail();
    if (young.position > log.sent.position) this.#endings.buffered(log.sent, young, "expired");
  }

  /** Sees to it that what is buffered now will expire in time. */
  arm(now: number): void {
    if (this.#maxAge === Infinity || this.#timer !== undefined) return;
    const log = this.#log;
    const oldest = this.#ages.timeAt(log.sent.position);
    if (oldest === undefined || log.sent.position >= log.end) return;
    this.#timer = this.#runtime.timer(Math.max(0, oldest + this.#maxAge - now) + SLACK_MS / 2, () => {
      this.#timer = undefined;
      this.run(this.#runtime.now());
      this.arm(this.#runtime.now());
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

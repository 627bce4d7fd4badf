import { RequestError } from "@nats-io/nats-core";
import { LazySet } from "../bytes/lazy-set.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { Runtime } from "../runtime.ts";

/** Waits for the server's answers on this connection; what waits ends with it. */
export class RoundTrips {
  readonly #outbound: Outbound;
  readonly #runtime: Runtime;
  /** What to do when the connection is lost. */
  readonly #waiting = new LazySet<() => void>();

  constructor(outbound: Outbound, runtime: Runtime) {
    this.#outbound = outbound;
    this.#runtime = runtime;
  }

  /**
   * `nc.rtt()`: milliseconds from a PING at the next frame boundary to its PONG. Rejects with nats-core's `RequestError`
   * without a connection.
   */
  measure(): Promise<number> {
    if (!this.#outbound.attached) return Promise.reject(disconnected());
    const start = this.#runtime.now();
    return new Promise((resolve, reject) => {
      const lost = (): void => reject(disconnected());
      this.#waiting.add(lost);
      this.#outbound.ping(() => {
        this.#waiting.delete(lost);
        resolve(this.#runtime.now() - start);
      });
    });
  }

  /**
   * Resolves when everything has arrived that the server had sent when it read what was called before, or when the connection
   * is lost: then nothing more can arrive. At once without a connection. Never rejects.
   */
  allArrived(): Promise<void> {
    if (!this.#outbound.attached) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        resolve();
      };
      this.#waiting.add(done);
      this.#outbound.roundTrip().then(done, done);
    });
  }

  /** The connection is over: its PONGs will not come. */
  lost(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const done of waiting) done();
  }
}

function disconnected(): RequestError {
  return new RequestError("connection disconnected");
}

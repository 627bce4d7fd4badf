import { ClosedConnectionError, DrainingConnectionError } from "@nats-io/nats-core";

/** How far the connection is in its life, as its user sees it; whether a server is there is another question. */
type Stage =
  | { readonly kind: "open" }
  /** `drain()`: subscriptions are being drained; publishing is still allowed, for what their messages cause. */
  | { readonly kind: "draining" }
  /** `drain()`: what is held is being sent. */
  | { readonly kind: "settling" }
  /** `close()` was called, drain is done, or reconnecting was given up. `drained`: `drain()` had been called. */
  | { readonly kind: "closed"; readonly drained: boolean };

/** What may still be called. Throws nats-core's errors for what may not. */
export class Life {
  #stage: Stage = { kind: "open" };

  /** True from the moment `close()` is called: nothing can be begun any more, though what is held may still be on its way. */
  get isClosed(): boolean {
    return this.#stage.kind === "closed";
  }

  /** True from `drain()` on, for ever. */
  get isDraining(): boolean {
    const stage = this.#stage;
    return stage.kind === "closed" ? stage.drained : stage.kind !== "open";
  }

  checkPublish(): void {
    const { kind } = this.#stage;
    if (kind !== "open" && kind !== "draining") throw this.#over();
  }

  checkSubscribe(): void {
    if (this.#stage.kind !== "open") throw this.#over();
  }

  /** `drain()` begins. */
  drain(): void {
    if (this.#stage.kind === "open") this.#stage = { kind: "draining" };
  }

  /** The subscriptions are drained: no more publishing. */
  settle(): void {
    if (this.#stage.kind === "draining") this.#stage = { kind: "settling" };
  }

  close(): void {
    if (this.#stage.kind !== "closed") this.#stage = { kind: "closed", drained: this.#stage.kind !== "open" };
  }

  #over(): Error {
    return this.isClosed ? new ClosedConnectionError() : new DrainingConnectionError();
  }
}

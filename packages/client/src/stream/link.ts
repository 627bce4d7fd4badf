import { ClosedConnectionError, PermissionViolationError, type Status } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../client/connection.ts";

/** Who is told what becomes of the connection. */
export interface LinkListener {
  /** There is another connection: no acknowledgement of what was sent on the last one is to be counted on. */
  reconnected(): void;
  /** The server refused a publish to `subject`. */
  refused(subject: string, error: PermissionViolationError): void;
  /** The connection is closed, for good. */
  closed(error: Error): void;
}

/**
 * Whether messages can go out, seen through the public members of the connection alone.
 *
 *   up ──▶ silent (not usable: no connection, or a stalled one) ──▶ up, when it is usable again without a reconnect
 *   up, silent ──disconnect──▶ down ──reconnect──▶ up
 *
 * The status comes a moment after the fact, in order; `usable` is true at once. So nothing is sent between a reconnect and the
 * moment it is told, and what was sent before it goes before what is published after it.
 */
export class Link {
  readonly #nc: HoldfastConnection;
  readonly #listener: LinkListener;
  readonly #statuses: AsyncIterator<Status>;
  #state: "up" | "silent" | "down" | "closed";

  constructor(nc: HoldfastConnection, listener: LinkListener) {
    this.#nc = nc;
    this.#listener = listener;
    this.#state = nc.outbound.usable ? "up" : "silent";
    this.#statuses = nc.status()[Symbol.asyncIterator]();
    this.#read().catch(() => {});
  }

  /** Whether to send now. */
  isUp(): boolean {
    if (this.#state === "up" && !this.#nc.outbound.usable) this.#state = "silent";
    return this.#state === "up";
  }

  /** To be called now and then: a connection that was only silent is not announced when it is heard again. */
  look(): void {
    if (this.#state === "silent" && this.#nc.outbound.usable) this.#state = "up";
  }

  /** Tells nothing more. */
  stop(): void {
    this.#state = "closed";
    Promise.resolve(this.#statuses.return?.()).catch(() => {});
  }

  async #read(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#statuses.next();
      if (this.#state === "closed") return;
      if (done === true || value.type === "close") return this.#close();
      this.#hear(value);
    }
  }

  #hear(status: Status): void {
    if (status.type === "disconnect") {
      this.#state = "down";
    } else if (status.type === "reconnect") {
      this.#state = "up";
      this.#listener.reconnected();
    } else if (status.type === "error" && status.error instanceof PermissionViolationError) {
      if (status.error.operation === "publish") this.#listener.refused(status.error.subject, status.error);
    }
  }

  #close(): void {
    this.#state = "closed";
    this.#listener.closed(new ClosedConnectionError());
  }
}

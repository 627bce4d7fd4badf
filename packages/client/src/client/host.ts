import { PermissionViolationError, type ServerInfo, type Status } from "@nats-io/nats-core";
import type { SubscriptionTable } from "../inbound/table.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { RawMessage } from "../protocol/events.ts";
import type { SessionHost } from "../session/host.ts";
import type { Link } from "../transport/transport.ts";
import type { RoundTrips } from "./rtt.ts";

/** What the host hands the session's events to. */
export interface HostParts {
  readonly outbound: Outbound;
  readonly table: SubscriptionTable;
  readonly roundTrips: RoundTrips;
  /** A valid INFO. */
  readonly info: (info: ServerInfo) => void;
  readonly report: (status: Status) => void;
  /** Publishing to this subject was refused: a request to it may be waiting. */
  readonly publishRejected: (subject: string, error: Error) => void;
  /** The connection is over, and what became of its messages is settled. */
  readonly disconnected: () => void;
  readonly closed: (error: Error | undefined) => void;
}

/** Connects the session with the outbound log and the subscriptions. */
export class Host implements SessionHost {
  readonly #parts: HostParts;

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  resubscribe(): Uint8Array {
    return this.#parts.table.replay();
  }

  attach(link: Link, info: ServerInfo): void {
    // Nothing of the log may overtake a SUB that was called before it, so those that were called during the handshake go first.
    this.#parts.outbound.attach(link, info.max_payload, info.headers === true, this.#parts.table.catchUp());
  }

  detach(): void {
    this.#parts.outbound.detach();
    this.#parts.table.lost();
    this.#parts.roundTrips.lost();
    this.#parts.disconnected();
  }

  leave(done: () => void): void {
    this.#parts.outbound.leave(done);
  }

  get unanswered(): boolean {
    return this.#parts.outbound.unanswered;
  }

  received(): void {
    this.#parts.outbound.received();
  }

  taken(): void {
    this.#parts.outbound.taken();
  }

  info(info: ServerInfo): void {
    this.#parts.info(info);
    // Those of the handshake are told at its end.
    if (this.#parts.outbound.attached) this.#parts.outbound.limits(info.max_payload, info.headers === true);
  }

  message(message: RawMessage): void {
    this.#parts.table.dispatch(message);
  }

  pong(): void {
    this.#parts.outbound.pong();
  }

  ping(): void {
    this.#parts.outbound.pongDue();
  }

  serverError(error: Error, text: string): void {
    this.#parts.outbound.refused(text, error);
    if (!(error instanceof PermissionViolationError)) return;
    if (error.operation === "subscription") this.#parts.table.reject(error.subject, error.queue ?? "", error);
    else this.#parts.publishRejected(error.subject, error);
  }

  sendPing(onPong: () => void): void {
    this.#parts.outbound.ping(onPong);
  }

  status(status: Status): void {
    this.#parts.report(status);
  }

  closed(error: Error | undefined): void {
    this.#parts.closed(error);
  }
}

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

type Wire =
  | { readonly kind: "down" }
  /** The handshake is over; the SUBs and UNSUBs that were called during it go first. */
  | { readonly kind: "catchingUp"; readonly link: Link; readonly info: ServerInfo; readonly pongDue: boolean }
  | { readonly kind: "up" };

/** Connects the session with the outbound log and the subscriptions. */
export class Host implements SessionHost {
  readonly #parts: HostParts;
  #wire: Wire = DOWN;

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  resubscribe(): Uint8Array {
    return this.#parts.table.replay();
  }

  attach(link: Link, info: ServerInfo): void {
    this.#wire = { kind: "catchingUp", link, info, pongDue: false };
    this.#catchUp();
  }

  detach(): void {
    this.#wire = DOWN;
    this.#parts.outbound.detach();
    this.#parts.table.lost();
    this.#parts.roundTrips.lost();
    this.#parts.disconnected();
  }

  leave(done: () => void): void {
    // While it catches up, no message was handed over on this connection.
    if (this.#wire.kind !== "up") done();
    else this.#parts.outbound.leave(done);
  }

  get unanswered(): boolean {
    return this.#wire.kind === "up" && this.#parts.outbound.unanswered;
  }

  received(): void {
    if (this.#wire.kind === "up") this.#parts.outbound.received();
  }

  taken(): void {
    if (this.#wire.kind === "up") this.#parts.outbound.taken();
    else this.#catchUp();
  }

  info(info: ServerInfo): void {
    this.#parts.info(info);
    if (this.#wire.kind === "up") this.#parts.outbound.limits(info.max_payload, info.headers === true);
    else if (this.#wire.kind === "catchingUp") this.#wire = { ...this.#wire, info };
  }

  message(message: RawMessage): void {
    this.#parts.table.dispatch(message);
  }

  pong(): void {
    this.#parts.outbound.pong();
  }

  ping(): void {
    if (this.#wire.kind === "catchingUp") this.#wire = { ...this.#wire, pongDue: true };
    else this.#parts.outbound.pongDue();
  }

  serverError(error: Error, text: string): void {
    if (this.#wire.kind === "up") this.#parts.outbound.refused(text, error);
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

  /**
   * Nothing of the log may overtake a SUB that was called before it, so the log gets the link when the server knows all of
   * them.
   */
  #catchUp(): void {
    const wire = this.#wire;
    if (wire.kind !== "catchingUp") return;
    for (let lines = this.#parts.table.changes(); lines.length > 0; lines = this.#parts.table.changes()) {
      if (!wire.link.write(lines)) return;
    }
    const { link, info, pongDue } = wire;
    this.#wire = { kind: "up" };
    this.#parts.outbound.attach(link, info.max_payload, info.headers === true);
    if (pongDue) this.#parts.outbound.pongDue();
  }
}

const DOWN: Wire = { kind: "down" };

import type { ServerInfo, Status } from "@nats-io/nats-core";
import type { RawMessage } from "../protocol/events.ts";
import type { Link } from "../transport/transport.ts";

/**
 * What the session needs from the rest of the client. The session looks after connections and never sees a message; the client puts
 * the outbound log, the subscriptions and the status listeners behind this interface.
 */
export interface SessionHost {
  /** The `SUB`s (each with its `UNSUB sid n`) that a new connection must begin with, as protocol bytes; empty when there are none. */
  resubscribe(): Uint8Array;
  /** The handshake is done (second PONG): `link.write()` belongs to the outbound log until `detach()`. */
  attach(link: Link, info: ServerInfo): void;
  /** The connection of the last `attach()` is over. Nothing more comes from it. */
  detach(): void;
  /**
   * A planned move: hand over nothing more and confirm what was handed over. `done` runs once, now or later, when nothing is in flight
   * on this connection any more; never if it ends first.
   */
  leave(done: () => void): void;
  /** The attached connection was given messages and has confirmed none of them. Asked before `detach()`. */
  readonly unanswered: boolean;
  /** Bytes came in on the attached connection: once for each chunk, before it is read. */
  received(): void;
  /** `taken()` of the attached link. */
  taken(): void;
  /** Every valid INFO, the handshake's included, before `attach()`. */
  info(info: ServerInfo): void;
  /** A message; also between the two PONGs of the handshake. */
  message(message: RawMessage): void;
  /** A PONG after `attach()`. */
  pong(): void;
  /** The server's PING after `attach()`: a PONG is due. */
  ping(): void;
  /**
   * An `-ERR`, parsed to nats-core's error and as the server wrote it (without its quotes); the `error` status event was sent. Also during
   * the handshake. Permission violations end subscriptions and requests.
   */
  serverError(error: Error, text: string): void;
  /** Sends a PING at the next frame boundary; `onPong` runs at its PONG, never if the connection ends first. */
  sendPing(onPong: () => void): void;
  /** Something for `nc.status()`. */
  status(status: Status): void;
  /** The session ended for good: `close()` was called, or reconnecting was given up (then with the reason). Called exactly once. */
  closed(error: Error | undefined): void;
}

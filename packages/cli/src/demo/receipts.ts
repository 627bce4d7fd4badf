import type { Direction } from "holdfast/testing";
import type { PayloadFormat } from "./payload.ts";
import { eachNumber, RangeRecorder, type Ranges } from "./ranges.ts";

/** A connection, as far as this file looks at it. The same object for all its frames. */
export interface SeenConnection {
  readonly id: number;
  /** What made a direction unreadable, or `null`. */
  frameError(direction: Direction): Error | null;
}

/** A frame that the proxy forwarded whole; its own `ProxiedFrame` is one. */
export interface SeenFrame {
  readonly connection: SeenConnection;
  readonly direction: Direction;
  readonly verb: string;
  /** `null` where the frame has none. */
  readonly payload: Uint8Array | null;
}

/** What the proxy has seen of one connection and could not yet put together. */
interface Link {
  /** Messages that went to the server since the last PING. */
  sincePing: RangeRecorder;
  /** For each PING that went to the server and whose PONG was not seen: the messages between it and the PING before. */
  readonly pings: Ranges[];
  /** PONGs that came to the client, and whose PING was not seen yet. */
  earlyPongs: number;
}

/**
 * Which messages the server confirmed, as the proxy in between saw it: those that went to the server before a PING whose PONG went back to
 * the client, on the same connection. The client's own word plays no part.
 */
export class Receipts {
  readonly #format: PayloadFormat;
  readonly #links: Map<SeenConnection, Link> = new Map();
  readonly #confirmed: RangeRecorder = new RangeRecorder();

  constructor(format: PayloadFormat) {
    this.#format = format;
  }

  /** Takes the next frame that the proxy forwarded whole. */
  take({ connection, direction, verb, payload }: SeenFrame): void {
    const link = this.#link(connection);
    if (direction === "toClient") {
      if (verb !== "PONG") return;
      link.earlyPongs += 1;
      this.#settle(link);
    } else if (verb === "PING") {
      link.pings.push(link.sincePing.ranges());
      link.sincePing = new RangeRecorder();
      this.#settle(link);
    } else if (payload !== null) {
      link.sincePing.add(this.#format.read(payload));
    }
  }

  /** The numbers of the confirmed messages; one that was confirmed on two connections stands in it twice. */
  numbers(): Ranges {
    return this.#confirmed.ranges();
  }

  /** Why the record is not to be relied on, in one sentence without an end; `null` when it is. */
  gap(): string | null {
    for (const [connection, link] of this.#links) {
      const error = connection.frameError("toServer") ?? connection.frameError("toClient");
      if (error !== null) return `the proxy could not read connection ${connection.id}: ${error.message}`;
      if (link.earlyPongs > 0) return `the proxy saw more PONGs than PINGs on connection ${connection.id}`;
    }
    return null;
  }

  /**
   * The n-th PONG answers the n-th PING. A PONG may be seen first: the proxy reports a PING when the kernel has taken the whole chunk that
   * it was in, and the server may have answered when it had taken a part.
   */
  #settle(link: Link): void {
    while (link.earlyPongs > 0) {
      const confirmed = link.pings.shift();
      if (confirmed === undefined) return;
      link.earlyPongs -= 1;
      for (const number of eachNumber(confirmed)) this.#confirmed.add(number);
    }
  }

  #link(connection: SeenConnection): Link {
    const known = this.#links.get(connection);
    if (known !== undefined) return known;
    const link: Link = { sincePing: new RangeRecorder(), pings: [], earlyPongs: 0 };
    this.#links.set(connection, link);
    return link;
  }
}

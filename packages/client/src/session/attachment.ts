import type { ResolvedOptions } from "../options.ts";
import type { Runtime } from "../runtime.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { SessionHost } from "./host.ts";
import { MoveTimers } from "./moves.ts";
import { Probation } from "./probation.ts";

/** What comes of it that a connection is attached. */
export interface AttachmentEvents {
  /** The connection is of no use any more. */
  stale(message: string): void;
  /** The server is about to shut down, and its time is up. */
  lameDuckDue(): void;
}

/** What runs from `attach()` to `detach()`: the heartbeat, the timers of planned moves, and the verdict on the connection. */
export class Attachment {
  readonly #runtime: Runtime;
  readonly #host: SessionHost;
  readonly #heartbeat: Heartbeat;
  readonly #moves: MoveTimers;
  /** Of the connection that was attached last. */
  #probation: Probation | undefined;

  constructor(options: ResolvedOptions, runtime: Runtime, host: SessionHost, events: AttachmentEvents) {
    this.#runtime = runtime;
    this.#host = host;
    this.#heartbeat = new Heartbeat(options.pingInterval, options.maxPingOut, runtime, {
      ping: (pendingPings) => host.status({ type: "ping", pendingPings }),
      send: (onPong) => host.sendPing(onPong),
      stale: () => events.stale("stale connection"),
    });
    // Without the stall rule nothing else would end the wait for the last PONG.
    this.#moves = new MoveTimers(options.outbound.stallTimeout === 0 ? options.closeTimeout : undefined, runtime, {
      lameDuckDue: () => events.lameDuckDue(),
      overdue: (ms) => events.stale(`no PONG within ${ms} ms before a planned move`),
    });
  }

  /** After `host.attach()`. */
  begin(): void {
    this.#probation = new Probation(this.#runtime.now());
    this.#heartbeat.start();
  }

  pong(): void {
    this.#probation?.pong();
  }

  /** Its server is about to shut down, and there is another one. */
  lameDuck(): void {
    this.#moves.lameDuck();
  }

  /** It is to be left. `left` runs when nothing is in flight any more. */
  leave(left: () => void): void {
    this.#moves.begun();
    this.#host.leave(left);
  }

  /** Before `host.detach()`: a connection that we end lives until here, however long the peer takes to close it. */
  end(): void {
    this.#heartbeat.stop();
    this.#moves.stop();
    this.hasProven();
  }

  /** Whether it was good, now that it is over. */
  hasProven(): boolean {
    return this.#probation?.end(this.#runtime.now(), this.#host.unanswered) ?? false;
  }
}

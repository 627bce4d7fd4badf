import type { Runtime, Timer } from "../runtime.ts";

/** What the heartbeat asks of the session. */
export interface HeartbeatEvents {
  /** A PING is due. `pendingPings` counts it and those without an answer; `onPong` is to be called at its PONG. */
  ping(pendingPings: number): void;
  send(onPong: () => void): void;
  /** `maxPingOut` PINGs went unanswered and the next is due: nobody is there. */
  stale(): void;
}

/**
 * Finds connections that are dead without a word, as nats.js does: a PING every `pingInterval` ms; when one is due while `maxPingOut`
 * earlier ones have no PONG, the connection is stale. Its timer never keeps the process alive.
 */
export class Heartbeat {
  readonly #pingInterval: number;
  readonly #maxPingOut: number;
  readonly #runtime: Runtime;
  readonly #events: HeartbeatEvents;
  #timer: Timer | undefined;
  #pending = 0;

  /** `pingInterval` in milliseconds, more than 0. */
  constructor(pingInterval: number, maxPingOut: number, runtime: Runtime, events: HeartbeatEvents) {
    this.#pingInterval = pingInterval;
    this.#maxPingOut = maxPingOut;
    this.#runtime = runtime;
    this.#events = events;
  }

  /** Begins anew, for a new connection. */
  start(): void {
    this.stop();
    this.#schedule();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#pending = 0;
  }

  #schedule(): void {
    this.#timer = this.#runtime.timer(this.#pingInterval, () => this.#beat());
    this.#timer.keepAlive(false);
  }

  #beat(): void {
    this.#events.ping(this.#pending + 1);
    if (this.#pending >= this.#maxPingOut) {
      this.stop();
      this.#events.stale();
      return;
    }
    this.#pending++;
    this.#schedule();
    // Any PONG shows that the server is there: it answers for the earlier PINGs too.
    this.#events.send(() => {
      this.#pending = 0;
    });
  }
}

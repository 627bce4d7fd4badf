import type { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { memoryTransport } from "../../src/transport/memory.ts";
import type { Transport } from "../../src/transport/transport.ts";
import { type ConnectionEvents, ServerConnection } from "./schedule-connection.ts";
import type { SecretLimit } from "./schedule-secret.ts";
import { type Announced, type DialScript, goodDial } from "./schedule-steps.ts";
import { Watch, type WatchEvents } from "./schedule-watch.ts";

/** A server on the peer's side of the memory transport. Each dial follows its script; those behind the last script are good ones. */
export class ScheduledServer {
  readonly connections: ServerConnection[] = [];
  readonly transport: Transport;
  readonly #clock: VirtualClock;
  readonly #events: ConnectionEvents & WatchEvents;
  readonly #secret: SecretLimit | undefined;
  #scripts: DialScript[];
  #isHealed = false;
  #account: Announced | undefined;

  constructor(
    scripts: readonly DialScript[],
    secret: SecretLimit | undefined,
    clock: VirtualClock,
    events: ConnectionEvents & WatchEvents,
  ) {
    this.#scripts = [...scripts];
    this.#secret = secret;
    this.#clock = clock;
    this.#events = events;
    this.transport = {
      resolve: async (hostname) => [hostname],
      dial: async (endpoint, handler, options) => {
        const watch = new Watch(this.#clock, this.#events);
        const transport = this.#nextTransport(watch);
        return watch.link(await transport.dial(endpoint, watch.handler(handler), options));
      },
    };
  }

  /** The connection that was made last. */
  get current(): ServerConnection | undefined {
    return this.connections.at(-1);
  }

  /** Every later connection is told so, behind the first PONG. */
  announce(announced: Announced): void {
    this.#account = announced;
  }

  /** From now on it takes and answers everything. */
  heal(): void {
    this.#scripts = [];
    this.#isHealed = true;
    this.current?.heal();
  }

  /** Stops its own timers. */
  stop(): void {
    for (const connection of this.connections) connection.stop();
  }

  /** Reads what can still be read, as a server does that is only late. */
  readAll(): void {
    for (const connection of this.connections) connection.read(Infinity);
  }

  /** Kernels differ from dial to dial, so each has a transport of its own. */
  #nextTransport(watch: Watch): Transport {
    const next = this.#scripts.shift() ?? goodDial;
    const script = this.#account === undefined ? next : { ...next, account: this.#account };
    const { capacity, chunkBytes, unfinished, answer, delayMs } = script;
    return memoryTransport({
      runtime: this.#clock,
      capacity,
      chunkBytes,
      unfinished,
      answer: () => ({ kind: answer, delayMs }),
      accept: (peer) => {
        const connection = new ServerConnection(
          { index: this.connections.length, peer, watch, secret: this.#secret },
          script,
          this.#clock,
          this.#events,
        );
        this.connections.push(connection);
        if (this.#isHealed) connection.heal();
      },
    });
  }
}

import { ClosedConnectionError, ConnectionError, type ServerInfo, TimeoutError } from "@nats-io/nats-core";
import type { ResolvedOptions } from "../options.ts";
import type { Timer } from "../runtime.ts";
import { type Address, addressOfIp, isIp } from "./address.ts";
import { Connection, type ConnectionContext } from "./connection.ts";
import { type Failure, failureOf, toError } from "./failure.ts";
import { type PoolServer, shuffle } from "./pool.ts";

/** What a dial tells the session. `ended` or `failed` is the last word, and comes exactly once. */
export interface DialEvents {
  /** An address is tried. */
  trying(): void;
  info(info: ServerInfo, connection: Connection): void;
  opened(connection: Connection): void;
  pong(): void;
  broken(reason: "protocol" | "auth", error: Error): void;
  /** No address of the server gave a connection. */
  failed(failure: Failure): void;
  /** The connection that was open is gone. */
  ended(failure: Failure | undefined): void;
}

/** What a dial works with. */
export interface DialContext extends ConnectionContext {
  readonly options: ResolvedOptions;
}

type Phase =
  | { readonly kind: "resolving"; readonly timer: Timer }
  | { readonly kind: "trying"; readonly connection: Connection; readonly timer: Timer }
  | { readonly kind: "open"; readonly connection: Connection }
  | { readonly kind: "done" };

/**
 * Dials one server: resolves its name anew, tries its addresses in turn until the handshake with one is done. `timeout` bounds all of it;
 * each address has an equal share of what is left, so that a first address that swallows everything leaves time for the second.
 */
export class Dial {
  readonly #server: PoolServer;
  readonly #context: DialContext;
  readonly #events: DialEvents;
  readonly #deadline: number;
  #phase: Phase = { kind: "done" };
  #waiting: Address[] = [];
  #failure: Failure | undefined;
  #hold: boolean;

  constructor(server: PoolServer, context: DialContext, hold: boolean, events: DialEvents) {
    this.#server = server;
    const { options, host, transport, runtime } = context;
    // Not spread: of an object made so V8 makes a shape of its own, which costs each connection half a KiB.
    this.#context = { options, host, transport, runtime, credentials: server.credentials };
    this.#hold = hold;
    this.#events = events;
    this.#deadline = context.runtime.now() + context.options.timeout;
  }

  start(): void {
    const { hostname } = this.#server;
    if (!this.#context.options.resolve || isIp(hostname)) {
      this.#waiting = [this.#server];
      this.#tryNext();
      return;
    }
    this.#phase = { kind: "resolving", timer: this.#timer(this.#context.options.timeout, (ms) => this.#resolveTimedOut(ms)) };
    this.#context.transport.resolve(hostname).then(
      (ips) => this.#resolved(ips),
      (cause) => this.#notResolved(cause),
    );
  }

  /** Stops at once. `failed` or `ended` follows, once nothing is left open. */
  abort(): void {
    this.#waiting = [];
    if (this.#phase.kind === "resolving") this.#fail(failureOf(new ClosedConnectionError()));
    else if ("connection" in this.#phase) this.#phase.connection.abort();
  }

  /** Whether the dial, and the connection that comes of it, keeps the process alive. */
  keepAlive(hold: boolean): void {
    this.#hold = hold;
    if ("timer" in this.#phase) this.#phase.timer.keepAlive(hold);
    if ("connection" in this.#phase) this.#phase.connection.keepAlive(hold);
  }

  #resolved(ips: readonly string[]): void {
    // A look-up cannot be stopped: its answer may come when nobody wants it any more.
    if (this.#phase.kind !== "resolving") return;
    this.#release();
    const addresses = ips.map((ip) => addressOfIp(ip, this.#server.port));
    if (!this.#context.options.noRandomize) shuffle(addresses, () => this.#context.runtime.random());
    this.#waiting = addresses.length === 0 ? [this.#server] : addresses;
    this.#tryNext();
  }

  #notResolved(cause: unknown): void {
    if (this.#phase.kind === "resolving") this.#fail(failureOf(toError(cause)));
  }

  #tryNext(): void {
    const address = this.#waiting.shift();
    if (address === undefined) {
      this.#fail(this.#failure ?? failureOf(new ConnectionError("connection refused")));
      return;
    }
    const { listen, tlsName } = this.#server;
    const endpoint = {
      hostname: address.hostname,
      port: address.port,
      // A name's certificate is checked against the name; an address that the cluster told, against the name it was reached by first.
      tlsName: isIp(this.#server.hostname) ? tlsName : this.#server.hostname,
    };
    const name = address.listen === listen ? listen : `${listen} (${address.listen})`;
    const connection = new Connection(endpoint, name, this.#hold, this.#context, {
      info: (info) => this.#events.info(info, connection),
      opened: () => this.#opened(connection),
      pong: () => this.#events.pong(),
      broken: (reason, error) => this.#events.broken(reason, error),
      ended: (failure) => this.#ended(failure),
    });
    const share = Math.max(0, this.#deadline - this.#context.runtime.now()) / (this.#waiting.length + 1);
    this.#phase = { kind: "trying", connection, timer: this.#timer(share, (ms) => connection.timeOut(ms)) };
    this.#events.trying();
    connection.start();
  }

  #opened(connection: Connection): void {
    this.#release();
    this.#phase = { kind: "open", connection };
    this.#events.opened(connection);
  }

  #ended(failure: Failure | undefined): void {
    if (this.#phase.kind === "open") {
      this.#phase = { kind: "done" };
      this.#events.ended(failure);
      return;
    }
    this.#release();
    // Wrong credentials say more than an address that did not answer.
    if (this.#failure?.kind !== "auth") this.#failure = failure;
    if (failure?.kind === "fatal") this.#fail(failure);
    else this.#tryNext();
  }

  #resolveTimedOut(ms: number): void {
    const cause = new ConnectionError(`${this.#server.hostname}: name not resolved within ${Math.round(ms)} ms`);
    this.#fail(failureOf(new TimeoutError({ cause })));
  }

  #fail(failure: Failure): void {
    this.#release();
    this.#phase = { kind: "done" };
    this.#events.failed(failure);
  }

  #timer(ms: number, task: (ms: number) => void): Timer {
    const timer = this.#context.runtime.timer(ms, () => task(ms));
    if (!this.#hold) timer.keepAlive(false);
    return timer;
  }

  #release(): void {
    if ("timer" in this.#phase) this.#phase.timer.cancel();
  }
}

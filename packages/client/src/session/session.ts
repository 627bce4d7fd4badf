import { ClosedConnectionError, ConnectionError, InvalidOperationError, type Server, type ServerInfo } from "@nats-io/nats-core";
import type { ResolvedOptions } from "../options.ts";
import type { Runtime, Timer } from "../runtime.ts";
import type { Transport } from "../transport/transport.ts";
import { Attachment } from "./attachment.ts";
import { Chooser } from "./chooser.ts";
import type { Connection } from "./connection.ts";
import { Dial, type DialContext } from "./dial.ts";
import type { SessionHost } from "./host.ts";
import { type Effect, type Policy, policyOf, type SessionEvent, type State } from "./lifecycle.ts";
import { type PoolServer, ServerPool } from "./pool.ts";
import { next } from "./state.ts";

/** The server pool as users see it. */
export interface ServerAccess {
  /** `host:port` of the server dialled last; before the first dial, of the first one. */
  current(): string;
  /** Frozen copies, in the pool's order. */
  list(): readonly Server[];
  /** For later dials; the connection is not touched. Throws `InvalidArgumentError` for an empty list or an entry that is not host:port. */
  replace(servers: readonly string[]): void;
}

interface Settle {
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Looks after the connection: finds a server, brings the connection up, notices its end, finds the next one, until `close()` or until
 * the options say to give up. It decides nothing itself: events go through `next()` of state.ts, and this class does what comes out.
 */
export class Session {
  readonly #options: ResolvedOptions;
  readonly #policy: Policy;
  readonly #context: DialContext;
  readonly #pool: ServerPool;
  readonly #chooser: Chooser;
  readonly #attachment: Attachment;
  readonly #events: SessionEvent<PoolServer>[] = [];
  #state: State<PoolServer> = { kind: "idle" };
  #handling = false;
  #connecting: Settle | undefined;
  #closing: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  #info: ServerInfo | undefined;
  #dial: Dial | undefined;
  #connection: Connection | undefined;
  #timer: Timer | undefined;
  /** Whether the last connection that said INFO was under TLS. */
  #encrypted = false;
  #hold = true;

  /** Throws `InvalidArgumentError` when a server in the options is not host:port. */
  constructor(options: ResolvedOptions, transport: Transport, runtime: Runtime, host: SessionHost) {
    this.#options = options;
    this.#policy = policyOf(options);
    this.#context = { options, transport, runtime, host };
    this.#pool = new ServerPool(options.servers, { randomize: !options.noRandomize, random: () => runtime.random() });
    this.#chooser = new Chooser(options, this.#pool, runtime, (error) => host.status({ type: "error", error }));
    this.#attachment = new Attachment(options, runtime, host, {
      stale: (message) => this.#stale(message),
      lameDuckDue: () => this.#shouldMove() && this.#feed({ type: "move", reason: "lameDuck" }),
    });
  }

  /**
   * Resolves when the first connection is open (with `retryOnFailedConnect`: at once). Rejects with the last error when each server was
   * tried once (with `waitOnFirstConnect`: never), with the error that ended the session, or with `ClosedConnectionError` after
   * `close()`. To be called once.
   */
  connect(): Promise<void> {
    if (this.#state.kind === "closed") return Promise.reject(new ClosedConnectionError());
    if (this.#state.kind !== "idle") return Promise.reject(new InvalidOperationError("connect() was called before"));
    return new Promise((resolve, reject) => {
      this.#connecting = { resolve, reject };
      this.#feed({ type: "connect" });
    });
  }

  /**
   * Leaves the open connection when nothing is in flight on it any more, by FIN, and connects anew, to the next server that is due. As in
   * nats.js the status `forceReconnect` is announced at the call; `disconnect` when the connection is left. Without a connection, and
   * while a move is under way, it does nothing.
   */
  reconnect(): void {
    this.#feed({ type: "move", reason: "forced" });
  }

  /** The open connection has shown no sign of life for `ms` milliseconds: resets it and connects anew. Without one it does nothing. */
  stalled(ms: number): void {
    this.#stale(`stalled: no sign of life from ${this.servers.current()} for ${Math.round(ms)} ms`);
  }

  /**
   * Ends the session: stops dialling at once, or ends the connection by FIN (by a reset after `closeTimeout`). Resolves when
   * `host.closed()` was called and no timer, socket or listener is left. `error` is what `host.closed()` gets.
   */
  close(error?: Error): Promise<void> {
    if (this.#closing === undefined) {
      let resolve = (): void => {};
      const promise = new Promise<void>((done) => {
        resolve = done;
      });
      this.#closing = { promise, resolve };
      if (this.#state.kind === "closed") resolve();
      else this.#feed({ type: "close", error });
    }
    return this.#closing.promise;
  }

  /** The last INFO; also while there is no connection. */
  get info(): ServerInfo | undefined {
    return this.#info;
  }

  /** Between `host.attach()` and `host.detach()`. */
  get connected(): boolean {
    return this.#state.kind === "open" || this.#state.kind === "moving";
  }

  get servers(): ServerAccess {
    return {
      current: () => this.#pool.current?.listen ?? "",
      list: () => this.#pool.snapshot(),
      replace: (servers) => {
        this.#pool.replace(servers);
        this.#feed({ type: "poolChanged" });
        this.#noticeLameDuck();
      },
    };
  }

  /**
   * Whether the connection, or the search for one, keeps the process alive; it does by default, as in nats.js. The heartbeat's timer
   * never does.
   */
  keepAlive(hold: boolean): void {
    this.#hold = hold;
    this.#timer?.keepAlive(hold);
    this.#dial?.keepAlive(hold);
  }

  /** Events wait for each other: an effect may cause the next event, and a user's handler may call `close()`. */
  #feed(event: SessionEvent<PoolServer>): void {
    this.#events.push(event);
    if (this.#handling) return;
    this.#handling = true;
    try {
      for (let due = this.#events.shift(); due !== undefined; due = this.#events.shift()) {
        const { state, effects } = next(this.#state, due, this.#policy);
        this.#state = state;
        for (const effect of effects) this.#perform(effect);
      }
    } finally {
      this.#handling = false;
    }
  }

  #perform(effect: Effect<PoolServer>): void {
    switch (effect.do) {
      case "select":
        this.#feed(this.#chooser.choose(effect, this.#usesTls(), this.#info));
        return;
      case "wait":
        this.#startWaiting(effect.delayMs);
        return;
      case "stopWaiting":
        this.#timer?.cancel();
        this.#timer = undefined;
        return;
      case "dial":
        this.#startDial(effect.server);
        return;
      case "abortDial":
        this.#dial?.abort();
        return;
      case "attach":
        this.#attach(effect.server);
        return;
      case "leave":
        this.#attachment.leave(() => this.#feed({ type: "left" }));
        return;
      case "detach":
        this.#attachment.end();
        this.#context.host.detach();
        return;
      case "endLink":
        this.#connection?.end(this.#options.closeTimeout);
        return;
      case "resetLink":
        this.#connection?.reset();
        return;
      case "turnOver":
        this.#pool.turnOver(effect.server, this.#context.runtime.now());
        return;
      case "count":
        this.#pool.failed(effect.server, this.#options.maxReconnectAttempts);
        return;
      case "status":
        this.#context.host.status(effect.status);
        return;
      case "resolveConnect":
        this.#connecting?.resolve();
        this.#connecting = undefined;
        return;
      case "finish":
        this.#finish(effect.error);
    }
  }

  #startWaiting(delayMs: number): void {
    this.#timer = this.#context.runtime.timer(delayMs, () => {
      this.#timer = undefined;
      this.#feed({ type: "due" });
    });
    if (!this.#hold) this.#timer.keepAlive(false);
  }

  #startDial(server: PoolServer): void {
    const { runtime, host } = this.#context;
    this.#pool.dialled(server, runtime.now(), runtime.epoch());
    this.#dial = new Dial(server, this.#context, this.#hold, {
      trying: () => host.status({ type: "reconnecting" }),
      info: (info, connection) => this.#onInfo(info, server, connection.encrypted),
      opened: (connection) => {
        this.#connection = connection;
        this.#feed({ type: "opened" });
      },
      pong: () => this.#attachment.pong(),
      broken: (reason, error) => this.#feed({ type: "drop", reason, error }),
      failed: (failure) => this.#feed({ type: "failed", failure }),
      ended: (failure) => this.#onEnded(server, failure?.error),
    });
    this.#dial.start();
  }

  #attach(server: PoolServer): void {
    const link = this.#connection?.attach();
    if (link === undefined || this.#info === undefined) return;
    this.#pool.connected(server);
    this.#context.host.attach(link, this.#info);
    this.#attachment.begin();
    this.#noticeLameDuck();
  }

  #stale(message: string): void {
    this.#feed({ type: "drop", reason: "stale", error: new ConnectionError(message) });
  }

  #noticeLameDuck(): void {
    if (this.#shouldMove()) this.#attachment.lameDuck();
  }

  /** Whether the open connection's server is about to shut down and there is another to go to. */
  #shouldMove(): boolean {
    if (this.#state.kind !== "open" || this.#info?.ldm !== true) return false;
    return this.#pool.hasOther(this.#state.server, this.#info.connect_urls ?? []);
  }

  #onInfo(info: ServerInfo, server: PoolServer, encrypted: boolean): void {
    const { host } = this.#context;
    this.#info = info;
    this.#encrypted = encrypted;
    if (encrypted) this.#pool.learnTlsName(server);
    host.info(info);
    if (!this.#options.ignoreClusterUpdates) {
      const { added, deleted } = this.#pool.update(info.connect_urls ?? []);
      if (added.length + deleted.length > 0) host.status({ type: "update", added, deleted });
    }
    if (info.ldm === true) host.status({ type: "ldm", server: server.listen });
    this.#noticeLameDuck();
  }

  #onEnded(server: PoolServer, error: Error | undefined): void {
    const proven = this.#attachment.hasProven();
    if (proven) this.#pool.proven(server);
    this.#feed({ type: "ended", error, proven });
  }

  /** Which jitter applies: TLS handshakes cost a server that all its clients come back to at once far more. */
  #usesTls(): boolean {
    return this.#encrypted || (this.#options.tls !== undefined && this.#options.tls !== null);
  }

  #finish(error: Error | undefined): void {
    this.#dial = undefined;
    this.#connection = undefined;
    this.#context.host.closed(error);
    this.#connecting?.reject(error ?? new ClosedConnectionError());
    this.#connecting = undefined;
    this.#closing?.resolve();
  }
}

import { ClosedConnectionError, ConnectionError, type ServerInfo, TimeoutError } from "@nats-io/nats-core";
import type { RawMessage, ServerEvents } from "../protocol/events.ts";
import { parseInfo } from "../protocol/info.ts";
import { Parser } from "../protocol/parse.ts";
import { parseServerError } from "../protocol/server-error.ts";
import type { Runtime, Timer } from "../runtime.ts";
import type { Endpoint, Link, LinkHandler, SecureOptions, Transport } from "../transport/transport.ts";
import { Complaint } from "./complaint.ts";
import { type Failure, failureOf, isAuthError, toError } from "./failure.ts";
import { Handshake, type HandshakeContext } from "./handshake.ts";
import { TrackedLink } from "./tracked-link.ts";

/** What a connection tells its owner, beyond what goes straight to the host. None of these comes after `ended`. */
export interface ConnectionEvents {
  /** An INFO that is to be acted upon; the first one comes once TLS is settled. */
  info(info: ServerInfo): void;
  /** The handshake is done. The owner calls `attach()` and hands the link to the outbound log. */
  opened(): void;
  /** A PONG on the attached connection. */
  pong(): void;
  /** The attached connection is of no use any more; the reason was reported. The owner calls `reset()`. */
  broken(reason: "protocol" | "auth", error: Error): void;
  /** Nothing is left of it. Undefined: an attached connection that the peer closed, or that we ended, without an error. */
  ended(failure: Failure | undefined): void;
}

/** What a connection works with. */
export interface ConnectionContext extends HandshakeContext {
  readonly transport: Transport;
  readonly runtime: Runtime;
}

type Phase =
  | { readonly kind: "dialling"; readonly abort: AbortController }
  /** `closed`: the link is gone, only the reason is still to come. */
  | { readonly kind: "handshaking"; readonly link: TrackedLink; readonly handshake: Handshake; readonly closed: boolean }
  | { readonly kind: "attached"; readonly link: TrackedLink }
  /** We ended it; waits for the transport to say so. */
  | { readonly kind: "ending"; readonly failure: Failure | undefined; readonly timer: Timer | undefined }
  /** Also before `start()`. */
  | { readonly kind: "ended" };

/**
 * One connection, from the dial of one address to its end. It ends exactly once, by `ended`, whatever the peer sends and whoever ends it;
 * nothing is thrown into the transport.
 */
export class Connection implements LinkHandler, ServerEvents {
  readonly #endpoint: Endpoint;
  readonly #name: string;
  readonly #context: ConnectionContext;
  readonly #events: ConnectionEvents;
  readonly #parser: Parser = new Parser(this);
  readonly #complaint: Complaint = new Complaint();
  #phase: Phase = { kind: "ended" };
  #hold: boolean;

  /** `name` is how errors call the server: `host:port`. `hold`: see `keepAlive()`. */
  constructor(endpoint: Endpoint, name: string, hold: boolean, context: ConnectionContext, events: ConnectionEvents) {
    this.#endpoint = endpoint;
    this.#name = name;
    this.#hold = hold;
    this.#context = context;
    this.#events = events;
  }

  get encrypted(): boolean {
    return "link" in this.#phase && this.#phase.link.encrypted;
  }

  start(): void {
    const abort = new AbortController();
    this.#phase = { kind: "dialling", abort };
    const { tls } = this.#context.options;
    const secure: { secure?: SecureOptions } = tls?.handshakeFirst === true ? { secure: tls } : {};
    this.#context.transport.dial(this.#endpoint, this, { signal: abort.signal, ...secure }).then(
      (link) => this.#linked(link),
      (cause) => this.#refused(cause),
    );
  }

  /** From now on what the link tells goes to the host. Call in `opened` only. Undefined when the connection is no longer open. */
  attach(): Link | undefined {
    if (this.#phase.kind !== "handshaking") return undefined;
    const { link, handshake } = this.#phase;
    handshake.stop();
    this.#phase = { kind: "attached", link };
    return link;
  }

  /**
   * Ends the attached connection by FIN; a peer that has not closed after `closeTimeout` ms is reset. For right after `host.detach()`: the
   * log has then taken back the last message of an outstanding chunk as never handed over, so a FIN behind that message would be a lie,
   * and the connection is reset instead.
   */
  end(closeTimeout: number): void {
    if (this.#phase.kind !== "attached") return;
    const { link } = this.#phase;
    if (link.outstanding && link.unfinished === "last-item") {
      this.reset();
      return;
    }
    this.#leave({ kind: "ending", failure: undefined, timer: this.#context.runtime.timer(closeTimeout, () => link.reset()) });
    link.end();
  }

  /** Ends the attached connection at once, so that the kernel forgets what it still held. */
  reset(): void {
    if (this.#phase.kind !== "attached") return;
    const { link } = this.#phase;
    this.#leave({ kind: "ending", failure: undefined, timer: undefined });
    link.reset();
  }

  /** Stops the attempt, whatever it waits for. Says nothing to anybody but `ended`. */
  abort(): void {
    this.#stop(failureOf(new ClosedConnectionError()));
  }

  /** The attempt has used up its `ms` milliseconds. */
  timeOut(ms: number): void {
    const missing = this.#phase.kind === "handshaking" ? this.#phase.handshake.missing : "not connected";
    const cause = new ConnectionError(`${this.#name}: ${missing} within ${Math.round(ms)} ms`);
    const failure = failureOf(new TimeoutError({ cause }));
    if (this.#phase.kind === "handshaking") this.#report(failure.error);
    this.#stop(failure);
  }

  /** Whether the open link keeps the process alive. */
  keepAlive(hold: boolean): void {
    this.#hold = hold;
    if ("link" in this.#phase) this.#phase.link.keepAlive(hold);
  }

  // ---- what the link tells ----

  data(bytes: Uint8Array): void {
    if (!("link" in this.#phase)) return;
    if (this.#phase.kind === "attached") this.#context.host.received();
    try {
      this.#parser.parse(bytes);
    } catch (cause) {
      this.#garbage(toError(cause));
    }
  }

  taken(): void {
    if (!("link" in this.#phase)) return;
    this.#phase.link.taken();
    if (this.#phase.kind === "attached") this.#context.host.taken();
    else this.#phase.handshake.taken();
  }

  closed(error: Error | null): void {
    const phase = this.#phase;
    switch (phase.kind) {
      case "ended":
      case "dialling":
        return;
      case "ending":
        this.#finish(phase.failure);
        return;
      case "attached":
        this.#finish(this.#complaint.whyClosed(error));
        return;
      case "handshaking":
        this.#phase = { ...phase, closed: true };
        if (!phase.handshake.securing) this.#closedEarly(phase.handshake.missing, phase.link.encrypted, error);
    }
  }

  // ---- what the server says ----

  info(json: string): void {
    const info = parseInfo(json);
    if (this.#phase.kind === "handshaking") this.#phase.handshake.info(info);
    else this.#events.info(info);
  }

  message(message: RawMessage): void {
    if (this.#phase.kind === "attached") this.#context.host.message(message);
    else if (this.#phase.kind === "handshaking") this.#phase.handshake.message(message);
  }

  ping(): void {
    if (this.#phase.kind === "attached") this.#context.host.ping();
    else if (this.#phase.kind === "handshaking") this.#phase.handshake.ping();
  }

  pong(): void {
    if (this.#phase.kind === "handshaking") {
      this.#phase.handshake.pong();
      return;
    }
    this.#events.pong();
    this.#context.host.pong();
  }

  ok(): void {
    if (this.#phase.kind === "handshaking") this.#phase.handshake.ok();
  }

  error(text: string): void {
    const error = parseServerError(text);
    this.#report(error);
    this.#context.host.serverError(error, text);
    this.#complaint.heard(text, error);
    if (!isAuthError(error)) return;
    if (this.#phase.kind === "attached") this.#events.broken("auth", error);
    else this.#stop(failureOf(error));
  }

  // ---- the way up ----

  #linked(bare: Link): void {
    if (this.#phase.kind !== "dialling") {
      // Stopped in the moment it succeeded: its `closed` is what we wait for.
      bare.destroy();
      return;
    }
    if (!this.#hold) bare.keepAlive(false);
    const link = new TrackedLink(bare);
    const handshake = new Handshake(link, this.#endpoint.tlsName, this.#context, {
      info: (info) => this.#events.info(info),
      forget: () => this.#parser.reset(),
      opened: () => this.#events.opened(),
      failed: (failure) => this.#failed(failure),
    });
    this.#phase = { kind: "handshaking", link, handshake, closed: false };
  }

  #refused(cause: unknown): void {
    this.#finish(this.#phase.kind === "ending" ? this.#phase.failure : failureOf(toError(cause)));
  }

  // ---- the way down ----

  #failed(failure: Failure): void {
    // A failure of the user's own code is told by the end of the session.
    if (failure.kind !== "fatal") this.#report(failure.error);
    this.#stop(failure);
  }

  /** What the server sent cannot be followed, or what it offers cannot be used. */
  #garbage(error: Error): void {
    if (this.#phase.kind === "attached") {
      this.#report(error);
      this.#events.broken("protocol", error);
    } else if (this.#phase.kind === "handshaking") {
      this.#failed(failureOf(error));
    }
  }

  #stop(failure: Failure): void {
    const phase = this.#phase;
    if (phase.kind === "ending" || phase.kind === "ended") return;
    if (phase.kind === "handshaking" && phase.closed) {
      this.#finish(failure);
      return;
    }
    this.#leave({ kind: "ending", failure, timer: undefined });
    if (phase.kind === "dialling") phase.abort.abort();
    else phase.link.reset();
  }

  #closedEarly(missing: string, encrypted: boolean, error: Error | null): void {
    if (this.#complaint.error !== undefined) {
      this.#stop(failureOf(this.#complaint.error));
      return;
    }
    // Under TLS the server's reason, such as a missing client certificate, is an alert that comes behind the handshake.
    const why = error !== null && encrypted ? `: ${error.message}` : "";
    const cause = error === null ? {} : { cause: error };
    const message = `${this.#name}: the server closed the connection: ${missing}${why}`;
    this.#failed(failureOf(new ConnectionError(message, cause)));
  }

  #report(error: Error): void {
    this.#context.host.status({ type: "error", error });
  }

  #leave(phase: Phase): void {
    if (this.#phase.kind === "handshaking") this.#phase.handshake.stop();
    this.#phase = phase;
    // Also ends the reading of the current chunk: nothing more comes from this connection.
    this.#parser.reset();
  }

  #finish(failure: Failure | undefined): void {
    if (this.#phase.kind === "ending") this.#phase.timer?.cancel();
    this.#leave({ kind: "ended" });
    this.#events.ended(failure);
  }
}

import { type Auth, ProtocolError, type ServerInfo } from "@nats-io/nats-core";
import { PING } from "../protocol/encode.ts";
import type { RawMessage } from "../protocol/events.ts";
import { type Failure, failureOf, toError } from "./failure.ts";
import { connectLine, type GreetingOptions, tlsFor } from "./greeting.ts";
import type { SessionHost } from "./host.ts";
import type { TrackedLink } from "./tracked-link.ts";
import { HandshakeWriter } from "./writer.ts";

/** What a handshake tells its connection. After `opened` or `failed` nothing more comes. */
export interface HandshakeEvents {
  /** An INFO that is to be acted upon; the first one comes once TLS is settled. */
  info(info: ServerInfo): void;
  /** What stands behind the INFO in the current chunk does not count. */
  forget(): void;
  /** The second PONG is here and nothing is outstanding on the link. */
  opened(): void;
  failed(failure: Failure): void;
}

/** What a handshake works with. */
export interface HandshakeContext {
  readonly options: GreetingOptions;
  readonly host: SessionHost;
  /** What the URL of the server says. */
  readonly credentials?: Auth;
}

type Phase =
  /** Waits for INFO. */
  | { readonly kind: "greeting" }
  | { readonly kind: "securing" }
  /** CONNECT and PING are sent. */
  | { readonly kind: "authenticating" }
  /** The subscriptions and PING are sent. */
  | { readonly kind: "subscribing" }
  /** The second PONG is here, the kernel's word on the last chunk is not. */
  | { readonly kind: "settling" }
  | { readonly kind: "over" };

/**
 * From the first byte to the moment when the link can be handed on:
 *
 * ```
 *   INFO ─▶ [TLS] ─▶ CONNECT, PING ─▶ PONG ─▶ SUBs, PING ─▶ PONG
 * ```
 *
 * Two PINGs, because the account's own `max_payload` comes in a second INFO behind the first PONG, and what the server has against the
 * SUBs before the second. Its methods are called with what the server sends and throw `ProtocolError` at what has no place there.
 */
export class Handshake {
  readonly #link: TrackedLink;
  readonly #tlsName: string;
  readonly #context: HandshakeContext;
  readonly #events: HandshakeEvents;
  readonly #writer: HandshakeWriter;
  #phase: Phase = { kind: "greeting" };

  constructor(link: TrackedLink, tlsName: string, context: HandshakeContext, events: HandshakeEvents) {
    this.#link = link;
    this.#tlsName = tlsName;
    this.#context = context;
    this.#events = events;
    this.#writer = new HandshakeWriter(link);
  }

  /** True while the link is being upgraded: if it closes now, why comes as `failed`. */
  get securing(): boolean {
    return this.#phase.kind === "securing";
  }

  /** What has not come yet, for errors. */
  get missing(): string {
    return MISSING[this.#phase.kind];
  }

  /** The connection goes on without it, or ends. */
  stop(): void {
    this.#phase = { kind: "over" };
  }

  info(info: ServerInfo): void {
    if (this.#phase.kind !== "greeting") {
      this.#events.info(info);
      return;
    }
    const secure = tlsFor(info, this.#context.options, this.#link.encrypted);
    if (secure === undefined) {
      this.#introduce(info);
      return;
    }
    this.#phase = { kind: "securing" };
    // What came behind the INFO came in the clear, from anybody: it must not count as said under TLS.
    this.#events.forget();
    this.#link.secure(secure, this.#tlsName).then(
      () => this.#secured(info),
      (cause) => this.#fail(failureOf(toError(cause))),
    );
  }

  message(message: RawMessage): void {
    this.#expectInfo("MSG");
    // Before the subscriptions are sent there is nobody it could be for.
    if (this.#phase.kind === "subscribing" || this.#phase.kind === "settling") this.#context.host.message(message);
  }

  ping(): void {
    this.#expectInfo("PING");
    this.#writer.answerPing();
  }

  pong(): void {
    this.#expectInfo("PONG");
    if (this.#phase.kind === "authenticating") {
      this.#phase = { kind: "subscribing" };
      this.#writer.send(join(this.#context.host.resubscribe(), PING));
    } else if (this.#phase.kind === "subscribing") {
      this.#phase = { kind: "settling" };
      this.#settle();
    }
  }

  ok(): void {
    this.#expectInfo("+OK");
  }

  taken(): void {
    this.#writer.taken();
    this.#settle();
  }

  #secured(info: ServerInfo): void {
    if (this.#phase.kind === "securing") this.#introduce(info);
  }

  /** Answers the INFO with CONNECT and PING. */
  #introduce(info: ServerInfo): void {
    this.#phase = { kind: "authenticating" };
    this.#events.info(info);
    let line: Uint8Array;
    try {
      line = connectLine(info, this.#context.options, this.#context.credentials);
    } catch (thrown) {
      this.#fail({ kind: "fatal", error: toError(thrown) });
      return;
    }
    // The authenticator is the user's code and may have closed the client: then the link has ended and takes nothing.
    this.#writer.send(join(line, PING));
  }

  #settle(): void {
    if (this.#phase.kind === "settling" && this.#writer.idle) this.#events.opened();
  }

  #fail(failure: Failure): void {
    if (this.#phase.kind !== "over") this.#events.failed(failure);
  }

  /** A server speaks first, and its first word is INFO. */
  #expectInfo(found: string): void {
    if (this.#phase.kind === "greeting") throw new ProtocolError(`expected INFO from the server, got ${found}`);
  }
}

const MISSING: Readonly<Record<Phase["kind"], string>> = {
  greeting: "no INFO",
  securing: "TLS not established",
  authenticating: "no PONG after CONNECT",
  subscribing: "no PONG after the subscriptions",
  settling: "no PONG after the subscriptions",
  over: "not closed",
};

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

import {
  ClosedConnectionError,
  InvalidOperationError,
  type Msg,
  type MsgCallback,
  type Status,
  type Subscription,
  type SubscriptionOptions,
} from "@nats-io/nats-core";
import type { LazySet } from "../bytes/lazy-set.ts";
import { Mailbox, refusingIterator, SlowNotice } from "../inbound/mailbox.ts";
import type { Receiver, SubscriptionEntry, SubscriptionTable } from "../inbound/table.ts";
import { checkQueue, checkSubject } from "../protocol/subjects.ts";
import type { Runtime, Timer } from "../runtime.ts";
import { checkCount } from "./checks.ts";
import type { Life } from "./life.ts";
import { NO_MESSAGE } from "./message.ts";
import type { Decode } from "./replies.ts";
import type { RoundTrips } from "./rtt.ts";
import { callTrace, timeoutError, toError } from "./trace.ts";

/** What subscriptions need. */
export interface SubscriptionParts {
  readonly table: SubscriptionTable;
  readonly runtime: Runtime;
  readonly life: Life;
  readonly decode: Decode;
  readonly noAsyncTraces: boolean;
  readonly roundTrips: RoundTrips;
  readonly report: (status: Status) => void;
  /** Those that have not ended: each adds and removes itself. */
  readonly open: LazySet<HoldfastSubscription>;
}

/** Checks the arguments of `nc.subscribe()` and subscribes. Throws nats-core's errors. */
export function subscribe(parts: SubscriptionParts, subject: string, options: SubscriptionOptions = {}): HoldfastSubscription {
  parts.life.checkSubscribe();
  checkSubject(subject);
  checkQueue(options.queue ?? "");
  checkCount("max", options.max, "whole");
  checkCount("timeout", options.timeout, "any");
  checkCount("slow", options.slow, "any");
  return new HoldfastSubscription(parts, subject, options);
}

/** How a subscription ends. What has ended keeps its mailbox: the reader may still be at it. */
type Stage = { readonly kind: "open" } | { readonly kind: "ended" };

/** A subscription as nats.js has them: a callback, or a mailbox with an async iterator. */
export class HoldfastSubscription implements Subscription {
  /** Settles when it is over and its reader has come to the end; with the error if it ended by one. Never rejects. */
  readonly closed: Promise<Error | undefined>;
  /** Called for every message; nats-core lets it be replaced. Without the option `callback` it fills the mailbox. */
  callback: MsgCallback<Msg>;
  readonly #parts: SubscriptionParts;
  readonly #entry: SubscriptionEntry;
  readonly #mailbox: Mailbox<Msg> | undefined;
  readonly #slow: SlowNotice | undefined;
  #settle: (error: Error | undefined) => void = () => {};
  #timer: Timer | undefined;
  #stage: Stage = OPEN;
  #drained: Promise<void> | undefined;

  constructor(parts: SubscriptionParts, subject: string, options: SubscriptionOptions) {
    this.#parts = parts;
    this.closed = new Promise((resolve) => {
      this.#settle = (error) => resolve(error);
    });
    if (typeof options.callback === "function") {
      this.callback = options.callback;
    } else {
      // Its end is the reader's, also when that leaves its loop early.
      this.#mailbox = new Mailbox((error) => this.#readerEnded(error));
      this.callback = (error, msg) => (error === null ? this.#mailbox?.push(msg) : this.#fail(error));
      if (typeof options.slow === "number") this.#slow = new SlowNotice(options.slow, (pending) => this.#reportSlow(pending));
    }
    this.#entry = parts.table.subscribe(subject, options.queue ?? "", this.#receiver(), options.max || undefined);
    parts.open.add(this);
    if (options.timeout) this.#startTimer(options.timeout);
  }

  unsubscribe(max?: number): void {
    checkCount("max", max, "whole");
    if (max) this.#parts.table.limit(this.#entry, max);
    else this.#end(undefined);
  }

  drain(): Promise<void> {
    if (this.#parts.life.isClosed) return Promise.reject(new ClosedConnectionError());
    if (this.isClosed()) return Promise.reject(new InvalidOperationError("subscription is already closed"));
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#parts.life.isClosed || this.isClosed()) return;
    await this.drain();
  }

  [Symbol.asyncIterator](): AsyncIterator<Msg> {
    return this.#mailbox?.[Symbol.asyncIterator]() ?? refusingIterator("iterator cannot be used when a callback is registered");
  }

  /** True from `drain()` on, for ever. */
  isDraining(): boolean {
    return this.#drained !== undefined;
  }

  /** With a mailbox: once the reader has come to the end. */
  isClosed(): boolean {
    return this.#mailbox === undefined ? this.#stage.kind === "ended" : this.#mailbox.ended;
  }

  getSubject(): string {
    return this.#entry.subject;
  }

  getReceived(): number {
    return this.#entry.received;
  }

  /** A callback has processed what it was called with. */
  getProcessed(): number {
    return this.#mailbox?.taken ?? this.#entry.received;
  }

  getPending(): number {
    return this.#mailbox?.pending ?? 0;
  }

  getID(): number {
    return this.#entry.sid;
  }

  getMax(): number | undefined {
    return this.#entry.max;
  }

  /** Moves to another subject, see `SubscriptionTable.resubscribe()`. For the official modules. */
  resubscribe(subject: string, max?: number): void {
    checkSubject(subject);
    this.#parts.table.resubscribe(this.#entry, subject, max || undefined);
  }

  #receiver(): Receiver {
    return {
      message: (raw) => {
        if (this.#timer !== undefined) this.#stopTimer();
        this.#call(null, this.#parts.decode(raw));
        if (this.#slow !== undefined) this.#slow.check(this.getPending());
      },
      ended: () => this.#end(undefined),
      rejected: (error) => this.#fail(error),
    };
  }

  /** A callback that throws, or rejects, must harm neither the connection nor the other subscriptions: it is reported. */
  #call(error: Error | null, msg: Msg): void {
    try {
      const result = this.callback(error, msg);
      if (result !== undefined) Promise.resolve(result).catch((thrown: unknown) => this.#reportError(thrown));
    } catch (thrown) {
      this.#reportError(thrown);
    }
  }

  async #drain(): Promise<void> {
    this.#parts.table.drain(this.#entry);
    await this.#parts.roundTrips.allArrived();
    this.#end(undefined);
  }

  #startTimer(timeoutMs: number): void {
    const trace = callTrace(this.#parts.noAsyncTraces, subscribe);
    this.#timer = this.#parts.runtime.timer(timeoutMs, () => this.#fail(timeoutError(trace)));
  }

  #stopTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Ends with an error: a callback is called with it, a reader gets it behind what already waits. */
  #fail(error: Error): void {
    if (this.#stage.kind === "ended") return;
    this.#end(error);
    if (this.#mailbox === undefined) this.#call(error, NO_MESSAGE);
  }

  #end(error: Error | undefined): void {
    if (this.#stage.kind === "ended") return;
    this.#stage = ENDED;
    this.#parts.open.delete(this);
    this.#stopTimer();
    this.#parts.table.unsubscribe(this.#entry);
    if (this.#mailbox === undefined || error !== undefined) this.#settle(error);
    this.#mailbox?.close(error);
  }

  #readerEnded(error: Error | undefined): void {
    this.#end(error);
    this.#settle(error);
  }

  #reportSlow(pending: number): void {
    this.#parts.report({ type: "slowConsumer", sub: this, pending });
  }

  #reportError(thrown: unknown): void {
    this.#parts.report({ type: "error", error: toError(thrown) });
  }
}

const OPEN: Stage = { kind: "open" };
const ENDED: Stage = { kind: "ended" };

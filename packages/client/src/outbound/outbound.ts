import type { Amount } from "../errors.ts";
import type { OutboundOptions } from "../options.ts";
import type { Runtime } from "../runtime.ts";
import { Carrier } from "./carrier.ts";
import type { Counts } from "./counts.ts";
import type { EndedMessage } from "./ended-message.ts";
import type { OutboundHandlers } from "./handback.ts";
import { inFlight } from "./in-flight.ts";
import type { Intake } from "./intake.ts";
import { assemble, type OutboundParts } from "./parts.ts";
import type { Patience } from "./patience.ts";
import { type SettleClock, Settlings } from "./settling.ts";
import type { Sink } from "./sink.ts";
import type { Treatment } from "./treatment.ts";
import { Withdrawal } from "./withdrawal.ts";

const NO_LINES = new Uint8Array(0);

/**
 * Everything outgoing. It does not know whether there is a connection: it has a sink or it has none, and that alone is the reconnect
 * buffer. The caller has checked subjects and replies, and refuses publishes after `end()`.
 */
export class Outbound {
  readonly #runtime: Runtime;
  readonly #parts: OutboundParts;
  readonly #intake: Intake;
  readonly #withdrawal: Withdrawal;
  readonly #settlings: Settlings;
  readonly #carrier: Carrier;

  constructor(options: OutboundOptions, runtime: Runtime, handlers: OutboundHandlers) {
    this.#runtime = runtime;
    this.#parts = assemble(options, runtime, handlers);
    this.#intake = this.#parts.intake;
    this.#withdrawal = new Withdrawal(this.#parts);
    this.#settlings = new Settlings(runtime);
    this.#carrier = new Carrier(this.#parts, this.#settlings);
  }

  /** Between `attach()` and `detach()`. */
  get attached(): boolean {
    return this.#carrier.attached;
  }

  /** Whether messages can go out now: attached, and the other end has not been silent for a second. */
  get usable(): boolean {
    return this.#carrier.usable;
  }

  /** Whether messages were handed over on this connection and none was confirmed. */
  get unanswered(): boolean {
    return this.#parts.fences.unanswered;
  }

  /** Everything accepted that has not ended. */
  get held(): Amount {
    return this.#parts.admission.held;
  }

  /** The limit in force now; `Infinity` where there is none. */
  get limit(): Amount {
    return this.#parts.limits.inForce(this.usable);
  }

  /** How many bytes may be handed over unconfirmed. */
  get window(): number {
    return this.#parts.window.size;
  }

  /** Milliseconds since the oldest message that is held was accepted; 0 when nothing is held. */
  get oldestAge(): number {
    const { log, items, ages } = this.#parts;
    const inLog = log.heldFrames === 0 ? undefined : ages.timeAt(log.confirmed.position);
    const oldest = Math.min(inLog ?? Infinity, items.oldest?.time ?? Infinity);
    return oldest === Infinity ? 0 : this.#runtime.now() - oldest;
  }

  /** Bytes of payload and headers accepted, as `nc.stats()` counts them. */
  get outBytes(): number {
    return this.#intake.outBytes;
  }

  get outMsgs(): number {
    return this.#parts.tally.accepted;
  }

  counts(): Counts {
    const { log, items, tally, admission } = this.#parts;
    const flying = inFlight(log, items).messages;
    return tally.with(flying, admission.heldMessages - flying);
  }

  /**
   * Accepts one message; `reply` is "" and `headers` null for none, `treatment` undefined for a plain one. False: held is above 70 % of the
   * limit, or the message was dropped.
   * @throws ReconnectBufferFullError when the limit in force has no room; not for one that may use the reserve
   * @throws InvalidArgumentError for more than `max_payload` or `maxControlLine`, or headers the server does not know
   */
  publish(
    subject: string,
    reply: string,
    headers: Uint8Array | null,
    payload: Uint8Array | string,
    treatment: Treatment | undefined,
  ): boolean {
    return this.#intake.publish(subject, reply, headers, payload, treatment);
  }

  /**
   * `publish()`, and what becomes of the message: resolves when it is confirmed, rejects with what `publish()` throws, with
   * `UndeliveredError`, or with the error of the server that refused it.
   */
  publishAndConfirm(
    subject: string,
    reply: string,
    headers: Uint8Array | null,
    payload: Uint8Array | string,
    treatment: Treatment | undefined,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#intake.publish(subject, reply, headers, payload, treatment, { resolve, reject });
    });
  }

  /**
   * Accepts one request and returns its handle for `expire()` and `holds()`. Without a usable connection it waits beside the log. It may use
   * the reserve. Errors as `publish()`'s: somebody waits for its answer, so it is refused where a message would be dropped.
   */
  request(subject: string, reply: string, headers: Uint8Array | null, payload: Uint8Array | string): number {
    return this.#intake.request(subject, reply, headers, payload);
  }

  /** The deadline of a request passed, or nobody waits for it any more: if it was never handed over whole it is not sent, and ends expired. */
  expire(request: number): void {
    this.#withdrawal.expire(request);
    this.#parts.release();
  }

  /** Whether a request is held and was never handed over whole. */
  holds(request: number): boolean {
    return this.#withdrawal.holds(request);
  }

  /** Abandons everything that is buffered, also requests; returns how many that were. */
  purge(): number {
    const messages = this.#withdrawal.purge();
    this.#parts.release();
    return messages;
  }

  /** A SUB or UNSUB, which keeps its place among the publishes. Without a connection it is void: the table is replayed. */
  control(line: Uint8Array): void {
    if (!this.attached) return;
    this.#parts.items.addControl(this.#parts.log.tail(), line);
    this.#parts.turn.begin();
  }

  /** The server's PING. */
  pongDue(): void {
    this.#parts.writer.pongDue();
    this.#parts.turn.begin();
  }

  /** A PING at the next frame boundary; `onPong` never runs if there is no connection, or it ends first. */
  ping(onPong: () => void): void {
    if (!this.attached) return;
    this.#parts.fences.ask(onPong);
    this.#parts.turn.begin();
  }

  /** Waits for the PONG of a PING behind everything called before, on whichever connection it comes; see `NatsConnection.flush()`. */
  flush(patience?: Patience): Promise<void> {
    return this.#roundTrip(true, patience);
  }

  /** Like `flush()`, but however the messages end, and it never rejects. */
  roundTrip(): Promise<void> {
    return this.#roundTrip(false);
  }

  /** Resolves when there is room; see `Backpressure.writable()`. */
  writable(signal?: AbortSignal): Promise<void> {
    return this.#parts.backpressure.writable(this.usable, signal);
  }

  /** What `end()` left; see `Leftovers`. */
  undelivered(): AsyncIterable<EndedMessage> {
    return this.#parts.leftovers;
  }

  /**
   * A connection: what is held goes out from now on.
   * @param first control lines that go before everything else, also before a backlog that has to wait
   */
  attach(sink: Sink, maxPayload: number, headers: boolean, first: Uint8Array = NO_LINES): void {
    this.#carrier.attach(sink, maxPayload, headers, first);
  }

  /** A later INFO of the same connection. */
  limits(maxPayload: number, headers: boolean): void {
    this.#parts.screen.announced(maxPayload, headers);
  }

  /** Bytes came in. */
  received(): void {
    this.#parts.stall.heard();
  }

  /** An `-ERR` of the server: its text, and nats-core's error for it. */
  refused(text: string, error: Error): void {
    this.#carrier.refused(text, error);
  }

  /**
   * A planned move: hands over nothing more. `done` runs when nothing is in flight on this connection, perhaps in this call; never if the
   * connection ends first.
   */
  leave(done: () => void): void {
    this.#carrier.leave(done);
  }

  /** The connection is over: what was handed over whole is in doubt or waits to be sent again, the rest stays. */
  detach(): void {
    this.#carrier.detach();
  }

  /** The kernel has the outstanding chunk. */
  taken(): void {
    this.#carrier.taken();
  }

  /**
   * A PONG. One that no PING asked for is ignored. It may come while the chunk with its PING waits for the kernel: such a chunk is a copy, so
   * the slabs that this confirms can be reused.
   */
  pong(): void {
    this.#carrier.pong();
  }

  /** The end begins: nothing more will be accepted, and what ends other than confirmed from now on is left for `undelivered()`. */
  refuseAll(): void {
    this.#parts.backpressure.end();
    this.#parts.handback.closing(this.#parts.leftovers);
  }

  /** Resolves when everything held has ended, or the time is up; see `SettleClock`. Never rejects. */
  settle(timeoutMs: number, clock: SettleClock): Promise<void> {
    if (this.held.messages === 0) return Promise.resolve();
    this.#parts.backlog.hurry();
    return this.#settlings.add(timeoutMs, clock, this.roundTrip(), this.attached);
  }

  /**
   * The last call: what is in flight ends in doubt, what is buffered abandoned. Resolves when all of it was handed back and the listener
   * is done, or after `timeoutMs`.
   */
  async end(timeoutMs: number): Promise<void> {
    const { log, items, endings, flushes, expiry, idle, handback, leftovers } = this.#parts;
    this.refuseAll();
    this.detach();
    if (log.confirmed.position < log.end) endings.held(log.confirmed, log.tail(), "abandoned");
    for (const item of items.purge()) endings.item(item, "abandoned");
    flushes.end();
    expiry.stop();
    idle.stop();
    this.#parts.release();
    leftovers.complete();
    await handback.done(timeoutMs);
  }

  #roundTrip(strict: boolean, patience?: Patience): Promise<void> {
    const { log, items, flushes, turn } = this.#parts;
    const frames = { from: log.confirmed.index, to: log.endIndex };
    const result = flushes.add(log.end, frames, { from: 0, to: items.lastSeq + 1 }, strict, patience);
    turn.begin();
    return result;
  }
}

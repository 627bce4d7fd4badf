import type { Amount } from "../errors.ts";
import type { OutboundOptions } from "../options.ts";
import { serverErrorKind } from "../protocol/server-error.ts";
import type { Runtime } from "../runtime.ts";
import type { Counts } from "./counts.ts";
import type { EndedMessage } from "./ended-message.ts";
import type { OutboundHandlers } from "./handback.ts";
import { inFlight, windowedBytes } from "./in-flight.ts";
import type { Intake } from "./intake.ts";
import { assemble, type OutboundParts } from "./parts.ts";
import type { Patience } from "./patience.ts";
import { type SettleClock, Settling } from "./settling.ts";
import type { Treatment } from "./treatment.ts";
import type { Sink } from "./writer.ts";

/**
 * Everything outgoing. It does not know whether there is a connection: it has a sink or it has none, and that alone is the reconnect
 * buffer. The caller has checked subjects and replies, and refuses publishes after `end()`.
 */
export class Outbound {
  readonly #runtime: Runtime;
  readonly #parts: OutboundParts;
  readonly #intake: Intake;
  readonly #settlings = new Set<Settling>();
  /** A planned move waits for what is in flight. */
  #leaving: (() => void) | undefined;

  constructor(options: OutboundOptions, runtime: Runtime, handlers: OutboundHandlers) {
    this.#runtime = runtime;
    this.#parts = assemble(options, runtime, handlers);
    this.#intake = this.#parts.intake;
  }

  /** Between `attach()` and `detach()`. */
  get attached(): boolean {
    return this.#parts.writer.attached;
  }

  /** Whether messages can go out now: attached, and the other end has not been silent for a second. */
  get usable(): boolean {
    return this.attached && !this.#parts.stall.slow;
  }

  /** Whether messages were handed over on this connection and none was confirmed. */
  get unanswered(): boolean {
    return this.#parts.fences.unanswered;
  }

  /** Everything accepted that has not ended. */
  get held(): Amount {
    const { admission } = this.#parts;
    return { messages: admission.heldMessages, bytes: admission.heldBytes };
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
    const { items, endings, marks, log } = this.#parts;
    if (request < 0) {
      const item = items.cancel(-request);
      if (item !== undefined) endings.item(item, "expired");
      return;
    }
    const mark = marks.at(request);
    if (mark === undefined || mark.cancelled) return;
    mark.cancelled = true;
    if (this.holds(request)) endings.removed(mark.place, log.afterFrame(mark.place), "expired");
    this.#release();
  }

  /** Whether a request is held and was never handed over whole. */
  holds(request: number): boolean {
    const { items, log } = this.#parts;
    if (request < 0) return items.waits(-request);
    return request >= log.sent.position && log.holds(request);
  }

  /** Abandons everything that is buffered, also requests; returns how many that were. */
  purge(): number {
    const { log, items, endings } = this.#parts;
    const buffered = log.bufferedFrom(log.sent).frames;
    if (buffered > 0) endings.removed(log.sent, log.tail(), "abandoned");
    const requests = items.purge();
    for (const item of requests) endings.item(item, "abandoned");
    this.#release();
    return buffered + requests.length;
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

  /** A connection: what is held goes out from now on. */
  attach(sink: Sink, maxPayload: number, headers: boolean): void {
    const { screen, writer, stall, poison, backlog, backpressure, turn } = this.#parts;
    screen.announced(maxPayload, headers);
    writer.attach(sink, poison.start);
    stall.attached();
    backlog.attached(this.held);
    backpressure.eased(this.usable);
    for (const settling of this.#settlings) settling.connected(true);
    turn.pump();
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
    if (!this.attached) return;
    const { refusals, poison, writer, fences, turn } = this.#parts;
    if (serverErrorKind(text) !== "frame") return refusals.note(text, error);
    poison.complained(error);
    writer.hold("complaint");
    // If the server goes on all the same, this is how we learn of it.
    fences.force();
    turn.begin();
  }

  /**
   * A planned move: hands over nothing more. `done` runs when nothing is in flight on this connection, perhaps in this call; never if the
   * connection ends first.
   */
  leave(done: () => void): void {
    if (!this.attached) return;
    this.#leaving = done;
    this.#parts.writer.hold("move");
    this.#parts.fences.force();
    if (!this.#left()) this.#parts.turn.begin();
  }

  /** The connection is over: what was handed over whole is in doubt or waits to be sent again, the rest stays. */
  detach(): void {
    if (!this.attached) return;
    const { connectionEnd, refusals, flushes, stall, backlog, backpressure } = this.#parts;
    this.#leaving = undefined;
    connectionEnd.run();
    refusals.clear();
    flushes.detached();
    stall.detached();
    backlog.detached();
    backpressure.eased(false);
    this.#release();
    for (const settling of this.#settlings) settling.connected(false);
  }

  /** The kernel has the outstanding chunk. */
  taken(): void {
    this.#parts.writer.taken();
    this.#parts.stall.taken();
    this.#parts.turn.pump();
    this.#left();
  }

  /**
   * A PONG. One that no PING asked for is ignored. It may come while the chunk with its PING waits for the kernel: such a chunk is a copy, so
   * the slabs that this confirms can be reused.
   */
  pong(): void {
    const { confirmation, backpressure, backlog, turn, idle, tally, expiry, admission } = this.#parts;
    const fence = confirmation.pong();
    if (fence !== undefined) {
      this.#release();
      for (const onPong of fence.onPong) onPong();
      backpressure.eased(this.usable);
      backlog.check();
      if (admission.heldMessages === 0) {
        expiry.stop();
        idle.arm(tally.accepted);
      }
    }
    turn.pump();
    this.#left();
  }

  /** Nothing more will be accepted: who waits for room is told so. */
  refuseAll(): void {
    this.#parts.backpressure.end();
  }

  /** Resolves when everything held has ended, or the time is up; see `SettleClock`. Never rejects. */
  settle(timeoutMs: number, clock: SettleClock): Promise<void> {
    if (this.held.messages === 0) return Promise.resolve();
    this.#parts.backlog.hurry();
    return new Promise((resolve) => {
      const finish = (): void => {
        settling.stop();
        this.#settlings.delete(settling);
        resolve();
      };
      const settling = new Settling(timeoutMs, clock, this.#runtime, finish);
      this.#settlings.add(settling);
      this.roundTrip().then(finish, finish);
      settling.connected(this.attached);
    });
  }

  /**
   * The last call: what is in flight ends in doubt, what is buffered abandoned. Resolves when all of it was handed back and the listener
   * is done, or after `timeoutMs`.
   */
  async end(timeoutMs: number): Promise<void> {
    const { log, items, endings, flushes, expiry, idle, handback, leftovers } = this.#parts;
    this.refuseAll();
    handback.closing(leftovers);
    this.detach();
    if (log.confirmed.position < log.end) endings.held(log.confirmed, log.tail(), "abandoned");
    for (const item of items.purge()) endings.item(item, "abandoned");
    flushes.end();
    expiry.stop();
    idle.stop();
    this.#release();
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

  /** Whether a planned move has nothing to wait for any more; then it is told so. */
  #left(): boolean {
    const done = this.#leaving;
    const { log, items, writer } = this.#parts;
    if (done === undefined || writer.busy || windowedBytes(log, items) > 0) return false;
    this.#leaving = undefined;
    done();
    return true;
  }

  #release(): void {
    const { log, marks, ages, handback, leftovers } = this.#parts;
    const { position } = log.confirmed;
    marks.release(position);
    ages.release(Math.min(position, handback.oldest, leftovers.oldest));
  }
}

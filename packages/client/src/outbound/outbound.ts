import type { Amount } from "../errors.ts";
import type { OutboundOptions } from "../options.ts";
import type { Runtime } from "../runtime.ts";
import { Admission } from "./admission.ts";
import { Ages } from "./ages.ts";
import { type Counts, Tally } from "./counts.ts";
import type { Place } from "./cursor.ts";
import { Endings } from "./endings.ts";
import { Expiry } from "./expiry.ts";
import { Fences } from "./fences.ts";
import { Flushes } from "./flushes.ts";
import { Handback, type OutboundHandlers } from "./handback.ts";
import { IdleShrink } from "./idle-shrink.ts";
import { inFlight, windowedBytes } from "./in-flight.ts";
import { Intake } from "./intake.ts";
import { Items } from "./items.ts";
import { Limits } from "./limits.ts";
import { Log } from "./log.ts";
import { Marks } from "./marks.ts";
import { Screen } from "./screen.ts";
import { type SettleClock, Settling } from "./settling.ts";
import { Turn } from "./turn.ts";
import { Window } from "./window.ts";
import { type Sink, Writer } from "./writer.ts";

/**
 * Everything outgoing. It does not know whether there is a connection: it has a sink or it has none, and that alone is the reconnect
 * buffer. The caller has checked subjects and replies, and refuses publishes after `end()`.
 */
export class Outbound {
  readonly #runtime: Runtime;
  readonly #limits: Limits;
  readonly #log: Log;
  readonly #items = new Items();
  readonly #marks = new Marks();
  readonly #ages = new Ages();
  readonly #tally = new Tally();
  readonly #flushes = new Flushes();
  readonly #handback: Handback;
  readonly #endings: Endings;
  readonly #admission: Admission;
  readonly #screen: Screen;
  readonly #window: Window;
  readonly #fences: Fences;
  readonly #writer: Writer;
  readonly #expiry: Expiry;
  readonly #idle: IdleShrink;
  readonly #turn: Turn;
  readonly #intake: Intake;
  readonly #settlings = new Set<Settling>();

  constructor(options: OutboundOptions, runtime: Runtime, handlers: OutboundHandlers) {
    this.#runtime = runtime;
    this.#limits = new Limits(options);
    this.#log = new Log(options.maxInFlight);
    this.#window = new Window(options.maxInFlight);
    const log = this.#log;
    const window = this.#window;
    const [items, flushes, marks, ages, tally] = [this.#items, this.#flushes, this.#marks, this.#ages, this.#tally];
    this.#handback = new Handback(handlers, runtime, log, ages);
    const endings = new Endings(log, tally, flushes, this.#handback);
    const admission = new Admission(this.#limits, options.reconnectBuffer.whenFull, log, items, endings);
    const screen = new Screen(log, endings, options.maxControlLine);
    const fences = new Fences({ log, items, flushes, window }, runtime, options.fenceDelay, () => this.#turn.pump());
    const writer = new Writer({ log, items, fences, window, screen, endings }, runtime);
    const expiry = new Expiry(options.reconnectBuffer.maxAge, runtime, log, ages, endings);
    const turn = new Turn({ log, ages, expiry, writer }, runtime);
    this.#intake = new Intake({ log, items, marks, screen, admission, endings, tally, writer, turn }, runtime);
    this.#endings = endings;
    this.#admission = admission;
    this.#screen = screen;
    this.#fences = fences;
    this.#writer = writer;
    this.#expiry = expiry;
    this.#turn = turn;
    this.#idle = new IdleShrink(log, writer, runtime);
  }

  /** Whether the handshake is done and the connection is not known to be over. */
  get usable(): boolean {
    return this.#writer.attached;
  }

  /** Everything accepted that has not ended. */
  get held(): Amount {
    return { messages: this.#admission.heldMessages, bytes: this.#admission.heldBytes };
  }

  /** The limit in force now; `Infinity` where there is none. */
  get limit(): Amount {
    return this.#limits.inForce(this.usable);
  }

  /** How many bytes may be handed over unconfirmed. */
  get window(): number {
    return this.#window.size;
  }

  /** Bytes of payload and headers accepted, as `nc.stats()` counts them. */
  get outBytes(): number {
    return this.#intake.outBytes;
  }

  get outMsgs(): number {
    return this.#tally.accepted;
  }

  counts(): Counts {
    const flying = inFlight(this.#log, this.#items).messages;
    return this.#tally.with(flying, this.#admission.heldMessages - flying);
  }

  /**
   * Accepts one message; `reply` is "" and `headers` null for none. False: held is above 70 % of the limit, or `drop-newest` dropped it.
   * @param bound it is worth nothing to another connection: without one it is accepted and has expired in the same call
   * @throws ReconnectBufferFullError when the limit in force has no room
   * @throws InvalidArgumentError for more than `max_payload` or `maxControlLine`, or headers the server does not know
   */
  publish(subject: string, reply: string, headers: Uint8Array | null, payload: Uint8Array | string, bound: boolean): boolean {
    return this.#intake.publish(subject, reply, headers, payload, bound);
  }

  /**
   * Accepts one request and returns its handle for `expire()`. Without a usable connection it waits beside the log. Errors as `publish()`'s;
   * a request that `drop-newest` would drop is refused, because somebody waits for its answer.
   */
  request(subject: string, reply: string, headers: Uint8Array | null, payload: Uint8Array | string): number {
    return this.#intake.request(subject, reply, headers, payload);
  }

  /** The deadline of a request passed, or nobody waits for it any more: if it was never handed over whole it is not sent, and ends expired. */
  expire(request: number): void {
    if (request < 0) {
      const item = this.#items.cancel(-request);
      if (item !== undefined) this.#endings.item(item, "expired");
      return;
    }
    const mark = this.#marks.at(request);
    if (mark === undefined || mark.cancelled) return;
    mark.cancelled = true;
    this.#expireMarked(mark.place);
  }

  /** A SUB or UNSUB, which keeps its place among the publishes. Without a connection it is void: the table is replayed. */
  control(line: Uint8Array): void {
    if (!this.usable) return;
    this.#items.addControl(this.#log.tail(), line);
    this.#turn.begin();
  }

  /** The server's PING. */
  pongDue(): void {
    this.#writer.pongDue();
    this.#turn.begin();
  }

  /** A PING at the next frame boundary; `onPong` never runs if there is no connection, or it ends first. */
  ping(onPong: () => void): void {
    if (!this.usable) return;
    this.#fences.ask(onPong);
    this.#turn.begin();
  }

  /** Waits for the PONG of a PING behind everything called before, on whichever connection it comes; see `NatsConnection.flush()`. */
  flush(): Promise<void> {
    return this.#roundTrip(true);
  }

  /** Like `flush()`, but however the messages end, and it never rejects. */
  roundTrip(): Promise<void> {
    return this.#roundTrip(false);
  }

  /** A connection: what is held goes out from now on. */
  attach(sink: Sink, maxPayload: number, headers: boolean): void {
    this.#screen.announced(maxPayload, headers);
    this.#writer.attach(sink);
    for (const settling of this.#settlings) settling.connected(true);
    this.#turn.pump();
  }

  /** A later INFO of the same connection. */
  limits(maxPayload: number, headers: boolean): void {
    this.#screen.announced(maxPayload, headers);
  }

  /** The connection is over: what was handed over whole is in doubt, the rest stays. */
  detach(): void {
    if (!this.usable) return;
    this.#writer.detach();
    this.#endings.inDoubt();
    for (const item of this.#items.detach()) this.#endings.item(item, "inDoubt");
    for (const mark of this.#marks.from(this.#log.sent.position)) {
      if (mark.kind === "connection" || mark.cancelled) this.#expireMarked(mark.place);
    }
    this.#flushes.detached();
    this.#release();
    this.#expiry.arm(this.#runtime.now());
    for (const settling of this.#settlings) settling.connected(false);
  }

  /** The kernel has the outstanding chunk. */
  taken(): void {
    this.#writer.taken();
    this.#turn.pump();
  }

  /**
   * A PONG. One that no PING asked for is ignored. It may come while the chunk with its PING waits for the kernel: such a chunk is a copy, so
   * the slabs that this confirms can be reused.
   */
  pong(): void {
    this.#confirm();
    this.#turn.pump();
  }

  /** Resolves when everything held has ended, or the time is up; see `SettleClock`. Never rejects. */
  settle(timeoutMs: number, clock: SettleClock): Promise<void> {
    if (this.#admission.heldMessages === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        settling.stop();
        this.#settlings.delete(settling);
        resolve();
      };
      const settling = new Settling(timeoutMs, clock, this.#runtime, finish);
      this.#settlings.add(settling);
      this.roundTrip().then(finish, finish);
      settling.connected(this.usable);
    });
  }

  /**
   * The last call: what is in flight ends in doubt, what is buffered abandoned. Resolves when all of it was handed back and the listener
   * is done, or after `timeoutMs`.
   */
  async end(timeoutMs: number): Promise<void> {
    this.detach();
    const log = this.#log;
    if (log.sent.position < log.end) this.#endings.buffered(log.sent, log.tail(), "abandoned");
    for (const item of this.#items.clear()) this.#endings.item(item, "abandoned");
    this.#flushes.end();
    this.#expiry.stop();
    this.#idle.stop();
    this.#release();
    await this.#handback.done(timeoutMs);
  }

  #roundTrip(strict: boolean): Promise<void> {
    const log = this.#log;
    const frames = { from: log.confirmed.index, to: log.endIndex };
    const result = this.#flushes.add(log.end, frames, { from: 0, to: this.#items.lastSeq + 1 }, strict);
    this.#turn.begin();
    return result;
  }

  /** Unless it was handed over, or has ended already. */
  #expireMarked(place: Place): void {
    const isHeld = place.position >= this.#log.sent.position && this.#log.removed.covering(place.position) === undefined;
    if (!isHeld) return;
    this.#endings.buffered(place, this.#log.afterFrame(place), "expired");
  }

  #confirm(): void {
    const fence = this.#fences.shift();
    if (fence === undefined) return;
    const { confirmed, removed } = this.#log;
    if (fence.place.position > confirmed.position) {
      const gone = removed.between(confirmed.position, fence.place.position);
      this.#tally.confirmed += fence.place.index - confirmed.index - gone.frames;
      this.#log.confirmTo(fence.place);
    }
    this.#tally.confirmed += this.#items.confirm(fence.itemSeq);
    const flying = windowedBytes(this.#log, this.#items);
    this.#window.confirmed(
      fence,
      this.#runtime.now(),
      this.#log.end - this.#log.written.position,
      this.#fences.handedOver,
      flying,
    );
    if (this.#window.renewal(flying)) this.#fences.force();
    this.#release();
    for (const onPong of fence.onPong) onPong();
    if (this.#admission.heldMessages === 0) this.#idle.arm(this.#tally.accepted);
  }

  #release(): void {
    const { position } = this.#log.confirmed;
    this.#marks.release(position);
    this.#ages.release(Math.min(position, this.#handback.oldest));
  }
}

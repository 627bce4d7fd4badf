import { UndeliveredError } from "../errors.ts";
import type { Delivery } from "../options.ts";
import { FRAME_END, maxPubBytes, PubEncoder } from "../protocol/pub-encoder.ts";
import type { Runtime } from "../runtime.ts";
import type { Admission, AdmissionKind } from "./admission.ts";
import type { Backpressure } from "./backpressure.ts";
import type { Tally } from "./counts.ts";
import type { Endings } from "./endings.ts";
import type { Expiry } from "./expiry.ts";
import type { Fences } from "./fences.ts";
import type { Items } from "./items.ts";
import type { Log } from "./log.ts";
import type { Marks, Settle } from "./marks.ts";
import type { Screen } from "./screen.ts";
import type { Slab } from "./slab.ts";
import type { Treatment } from "./treatment.ts";
import type { Turn } from "./turn.ts";
import type { Writer } from "./writer.ts";

interface Parts {
  readonly log: Log;
  readonly items: Items;
  readonly marks: Marks;
  readonly screen: Screen;
  readonly admission: Admission;
  readonly endings: Endings;
  readonly tally: Tally;
  readonly fences: Fences;
  readonly expiry: Expiry;
  readonly backpressure: Backpressure;
  readonly writer: Writer;
  readonly turn: Turn;
  /** Whether messages can go out now. */
  readonly usable: () => boolean;
}

/** Up to here a message is encoded before it is refused: that takes no memory worth speaking of. */
const SMALL_BYTES = 4 * 1024;
/** A payload shorter than this is copied in any case: that costs less than a slab and two more pieces of a write. */
const REFERENCE_BYTES = 16 * 1024;

/**
 * Takes messages in: encodes them straight into the last slab, then decides whether they stay. No object is made for a message.
 *
 * What a plain message runs through, here and in the parts, is short, and what is rare stands in functions of its own: V8 compiles a call into
 * its caller only while all of them together have few bytecodes, and each call that is left costs 3 to 5 ns of the 75 that a publish takes.
 */
export class Intake {
  readonly #log: Log;
  readonly #items: Items;
  readonly #marks: Marks;
  readonly #screen: Screen;
  readonly #admission: Admission;
  readonly #endings: Endings;
  readonly #tally: Tally;
  readonly #fences: Fences;
  readonly #expiry: Expiry;
  readonly #backpressure: Backpressure;
  readonly #writer: Writer;
  readonly #turn: Turn;
  readonly #usable: () => boolean;
  readonly #delivery: Delivery;
  readonly #runtime: Runtime;
  readonly #encoder = new PubEncoder();
  /** The end of the frame encoded last, in the slab that `#encode()` returned. */
  #encodedEnd = 0;
  #outBytes = 0;

  /** @param delivery the connection's */
  constructor(delivery: Delivery, parts: Parts, runtime: Runtime) {
    this.#delivery = delivery;
    this.#log = parts.log;
    this.#items = parts.items;
    this.#marks = parts.marks;
    this.#screen = parts.screen;
    this.#admission = parts.admission;
    this.#endings = parts.endings;
    this.#tally = parts.tally;
    this.#fences = parts.fences;
    this.#expiry = parts.expiry;
    this.#backpressure = parts.backpressure;
    this.#usable = parts.usable;
    this.#writer = parts.writer;
    this.#turn = parts.turn;
    this.#runtime = runtime;
  }

  /** Bytes of payload and headers accepted. */
  get outBytes(): number {
    return this.#outBytes;
  }

  /** See `Outbound.publish()`. `settle` is told what becomes of the message. */
  publish(
    subject: string,
    reply: string,
    headers: Uint8Array | null,
    payload: Uint8Array | string,
    treatment: Treatment | undefined,
    settle?: Settle,
  ): boolean {
    if (treatment !== undefined || settle !== undefined)
      return this.#publish(subject, reply, headers, payload, treatment, settle);
    const slab = this.#encode(subject, reply, headers, payload, "plain", false);
    if (!this.#admission.isFree(this.#encodedEnd - slab.used)) {
      if (!this.#admit(slab, "plain")) return this.#lose(slab, "dropped", undefined);
      this.#append(slab, headers);
      return this.#backpressure.taken(this.#admission.heldMessages, this.#admission.heldBytes);
    }
    this.#append(slab, headers);
    return true;
  }

  /** See `Outbound.request()`. */
  request(subject: string, reply: string, headers: Uint8Array | null, payload: Uint8Array | string): number {
    const slab = this.#encode(subject, reply, headers, payload, "request", false);
    this.#admit(slab, "request");
    const place = this.#log.tail();
    let request = place.position;
    if (this.#usable()) {
      // In the order of `#mark()`, and not spread from a constant: a request costs half a microsecond less so.
      const delivery = "at-most-once";
      this.#marks.add({ place, bound: false, delivery, expiresAt: undefined, settle: undefined, cancelled: false });
      this.#append(slab, headers);
    } else {
      this.#accepted();
      request = -this.#items.addMessage(place, copyOf(slab.memory, slab.used, this.#encodedEnd), this.#runtime.now());
      this.#turn.begin();
    }
    this.#backpressure.taken(this.#admission.heldMessages, this.#admission.heldBytes);
    return request;
  }

  /** The same for any message: a plain one does not pay for what it has not. */
  #publish(
    subject: string,
    reply: string,
    headers: Uint8Array | null,
    payload: Uint8Array | string,
    treatment: Treatment | undefined,
    settle: Settle | undefined,
  ): boolean {
    const lost = treatment?.bound === true && !this.#writer.attached;
    const kind = treatment?.reserved === true ? "reserved" : "plain";
    const byReference = treatment?.byReference === true;
    const slab = this.#encode(subject, reply, headers, payload, lost ? "reserved" : kind, byReference);
    const free = !lost && this.#admission.isFree(this.#encodedEnd - slab.used);
    if (lost) return this.#lose(slab, "expired", settle);
    if (!free && !this.#admit(slab, kind)) return this.#lose(slab, "dropped", settle);
    this.#mark(slab, treatment, settle);
    this.#append(slab, headers);
    if (settle !== undefined) this.#fences.want(this.#log.end);
    return free || this.#backpressure.taken(this.#admission.heldMessages, this.#admission.heldBytes);
  }

  /** The message encoded last is accepted and ends at once. What `publish()` returns. */
  #lose(slab: Slab, state: "expired" | "dropped", settle: Settle | undefined): boolean {
    this.#accepted();
    this.#endings.offered(slab, this.#runtime.now(), state);
    settle?.reject(new UndeliveredError(state));
    return state === "expired";
  }

  /** What the log needs to know of a message that is not a plain one. */
  #mark(slab: Slab, treatment: Treatment | undefined, settle: Settle | undefined): void {
    const { bound = false, delivery, maxAge } = treatment ?? {};
    const differs = bound || maxAge !== undefined || (delivery !== undefined && delivery !== this.#delivery);
    if (!differs && settle === undefined) return;
    const expiresAt = maxAge === undefined ? undefined : this.#runtime.now() + maxAge;
    const place = { slab, position: slab.end, index: slab.lastIndex };
    const mark = { place, bound, delivery, expiresAt, settle, cancelled: false };
    this.#marks.add(mark);
    this.#expiry.add(mark);
  }

  /** Writes the frame behind the last one of the slab it returns, without appending it yet. */
  #encode(
    subject: string,
    reply: string,
    headers: Uint8Array | null,
    payload: Uint8Array | string,
    kind: AdmissionKind,
    byReference: boolean,
  ): Slab {
    try {
      const atLeast = payload.length + (headers === null ? 0 : headers.length);
      if (atLeast > SMALL_BYTES) this.#refuseHuge(atLeast, kind);
      const slab =
        byReference && typeof payload !== "string" && payload.length >= REFERENCE_BYTES
          ? this.#refer(subject, reply, headers, payload)
          : this.#copy(subject, reply, headers, payload);
      this.#screen.check(slab.memory, slab.used, this.#encodedEnd, hasHeaders(headers), this.#encoder.payloadBytes);
      return slab;
    } catch (error) {
      this.#tally.refused++;
      throw error;
    }
  }

  #refuseHuge(atLeast: number, kind: AdmissionKind): void {
    this.#screen.refuseHuge(atLeast);
    this.#admission.refuseHuge(atLeast, this.#usable(), kind);
  }

  #copy(subject: string, reply: string, headers: Uint8Array | null, payload: Uint8Array | string): Slab {
    const slab = this.#log.reserve(maxPubBytes(subject, reply, headers, payload));
    this.#encodedEnd = this.#encoder.encode(slab.memory, slab.view, slab.used, subject, reply, headers, payload);
    return slab;
  }

  #refer(subject: string, reply: string, headers: Uint8Array | null, payload: Uint8Array): Slab {
    const head = this.#encoder.head(subject, reply, headers, payload.length);
    this.#encodedEnd = head.length + payload.length + FRAME_END.length;
    return this.#log.refer(head, payload);
  }

  #admit(slab: Slab, kind: AdmissionKind): boolean {
    try {
      return this.#admission.admit(this.#encodedEnd - slab.used, this.#usable(), kind);
    } catch (error) {
      this.#tally.refused++;
      throw error;
    }
  }

  #append(slab: Slab, headers: Uint8Array | null): void {
    this.#accepted();
    this.#turn.begin();
    this.#log.commit(slab, this.#encodedEnd - slab.used, hasHeaders(headers));
    this.#turn.appended();
  }

  /** The message encoded last. */
  #accepted(): void {
    this.#tally.accepted++;
    this.#outBytes += this.#encoder.payloadBytes;
  }
}

function hasHeaders(headers: Uint8Array | null): boolean {
  return headers !== null && headers.length > 0;
}

/** `Buffer.slice` would be a view. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  copy.set(bytes.subarray(start, end));
  return copy;
}

import { encodePub, maxPubBytes } from "../protocol/encode.ts";
import { framePayloadSize } from "../protocol/frame.ts";
import type { Runtime } from "../runtime.ts";
import type { Admission } from "./admission.ts";
import type { Tally } from "./counts.ts";
import type { Endings } from "./endings.ts";
import type { Items } from "./items.ts";
import type { Log } from "./log.ts";
import type { Marks } from "./marks.ts";
import type { Screen } from "./screen.ts";
import type { Slab } from "./slab.ts";
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
  readonly writer: Writer;
  readonly turn: Turn;
}

/** Takes messages in: encodes them straight into the last slab, then decides whether they stay. No object is made for a message. */
export class Intake {
  readonly #log: Log;
  readonly #items: Items;
  readonly #marks: Marks;
  readonly #screen: Screen;
  readonly #admission: Admission;
  readonly #endings: Endings;
  readonly #tally: Tally;
  readonly #writer: Writer;
  readonly #turn: Turn;
  readonly #runtime: Runtime;
  /** The end of the frame encoded last, in the slab that `#encode()` returned. */
  #encodedEnd = 0;
  #outBytes = 0;

  constructor(parts: Parts, runtime: Runtime) {
    this.#log = parts.log;
    this.#items = parts.items;
    this.#marks = parts.marks;
    this.#screen = parts.screen;
    this.#admission = parts.admission;
    this.#endings = parts.endings;
    this.#tally = parts.tally;
    this.#writer = parts.writer;
    this.#turn = parts.turn;
    this.#runtime = runtime;
  }

  /** Bytes of payload and headers accepted. */
  get outBytes(): number {
    return this.#outBytes;
  }

  /** See `Outbound.publish()`. */
  publish(subject: string, reply: string, headers: Uint8Array | null, payload: Uint8Array | string, bound: boolean): boolean {
    const lost = bound && !this.#writer.attached;
    const slab = this.#encode(subject, reply, headers, payload, !lost);
    if (lost || !this.#admit(slab, true)) {
      this.#accepted(slab, headers, payload);
      this.#endings.offered(slab.memory, slab.used, this.#runtime.now(), lost ? "expired" : "dropped");
      return lost;
    }
    if (bound) this.#marks.add(this.#log.tail(), "connection");
    this.#append(slab, headers, payload);
    return !this.#admission.high;
  }

  /** See `Outbound.request()`. */
  request(subject: string, reply: string, headers: Uint8Array | null, payload: Uint8Array | string): number {
    const slab = this.#encode(subject, reply, headers, payload, true);
    this.#admit(slab, false);
    const place = this.#log.tail();
    if (this.#writer.attached) {
      this.#marks.add(place, "request");
      this.#append(slab, headers, payload);
      return place.position;
    }
    this.#accepted(slab, headers, payload);
    return -this.#items.addMessage(place, copyOf(slab.memory, slab.used, this.#encodedEnd), this.#runtime.now());
  }

  /** Writes the frame behind the last one of the slab it returns, without appending it yet. */
  #encode(subject: string, reply: string, headers: Uint8Array | null, payload: Uint8Array | string, held: boolean): Slab {
    try {
      const atLeast = payload.length + (headers === null ? 0 : headers.length);
      this.#screen.refuseHuge(atLeast);
      if (held) this.#admission.refuseHuge(atLeast, this.#writer.attached);
      const slab = this.#log.reserve(maxPubBytes(subject, reply, headers, payload));
      this.#encodedEnd = encodePub(slab.memory, slab.used, subject, reply, headers, payload);
      this.#screen.check(slab.memory, slab.used, this.#encodedEnd, hasHeaders(headers));
      return slab;
    } catch (error) {
      this.#tally.refused++;
      throw error;
    }
  }

  #admit(slab: Slab, droppable: boolean): boolean {
    try {
      return this.#admission.admit(this.#encodedEnd - slab.used, this.#writer.attached, droppable);
    } catch (error) {
      this.#tally.refused++;
      throw error;
    }
  }

  #append(slab: Slab, headers: Uint8Array | null, payload: Uint8Array | string): void {
    this.#accepted(slab, headers, payload);
    this.#turn.begin();
    this.#log.commit(this.#encodedEnd - slab.used, hasHeaders(headers));
    this.#turn.appended();
  }

  #accepted(slab: Slab, headers: Uint8Array | null, payload: Uint8Array | string): void {
    this.#tally.accepted++;
    this.#outBytes +=
      typeof payload === "string"
        ? framePayloadSize(slab.memory, slab.used)
        : payload.length + (headers === null ? 0 : headers.length);
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

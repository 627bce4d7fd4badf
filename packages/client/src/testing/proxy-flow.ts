import type { Socket } from "node:net";
import { TokenBucket } from "./token-bucket.ts";

/**
 * How a cut ends a connection.
 * - `"rst"`: RST towards the client. Towards the server FIN, behind the bytes already forwarded: a RST would let the server's
 *   kernel throw away what the server has not read yet, and "forwarded" would no longer mean that the server can read it.
 *   The client can read what its socket buffer had taken before (some 64 KiB at least); the RST takes back the rest. A Node
 *   client that reads its last data and the RST in one go is told of an end of stream, not of ECONNRESET: so is libuv.
 * - `"fin"`: FIN both ways; what the client still sends is read and discarded until it closes too.
 * - `"rst-both"`: RST both ways. The byte count towards the server is then only an upper bound of what it can read.
 */
export type CutKind = "rst" | "fin" | "rst-both";

/** Faults of one direction. They take effect at once, also on bytes that are inside the proxy. */
export interface FlowControls {
  /** Forwards, the normal state. What was held goes on; what was swallowed is missing. */
  forward(): void;
  /** Stops reading and forwarding: the sender's TCP window closes. Neither FIN nor RST is passed on before `forward()`. */
  hold(): void;
  /** Reads and discards: the sender believes it is sent. Neither FIN nor RST is passed on before `forward()`. */
  swallow(): void;
  /** Every byte arrives this many milliseconds later (0 for no delay). Bytes already on their way keep their time. */
  delay(ms: number): void;
  /** At most this many bytes a second (`Infinity` for no limit). */
  throttle(bytesPerSecond: number): void;
}

/** The faults in force on one direction. */
export interface FlowSettings {
  readonly mode: "forward" | "hold" | "swallow";
  readonly delayMs: number;
  readonly bytesPerSecond: number;
}

/** What a flow tells its connection. */
export interface FlowEvents {
  /** The kernel has taken these bytes for the receiver. `afterGap`: some before them were discarded. */
  forwarded(bytes: Uint8Array, afterGap: boolean): void;
  /** Exactly the bytes of `cutAfter()` were forwarded. */
  limitReached(kind: CutKind): void;
  /** The sender's end has arrived behind its last byte and is to be passed on. The flow does nothing any more. */
  ended(how: "fin" | "rst"): void;
}

/** No faults. */
export const plainFlow: FlowSettings = { mode: "forward", delayMs: 0, bytesPerSecond: Number.POSITIVE_INFINITY };

/** Reading pauses when this many bytes wait for the rate or the receiver. */
const waitingLimit = 64 * 1024;
/** How many bytes a delay keeps on their way. */
const travellingLimit = 8 * 1024 * 1024;

/**
 * One direction of one connection. Bytes go through two queues, as on a real link, then to the kernel one chunk at a time:
 *
 * ```
 *   source ─▶ waiting (for the rate) ─▶ travelling (for the delay) ─▶ one outstanding write ─▶ sink
 * ```
 */
export class ProxyFlow implements FlowControls {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #events: FlowEvents;
  #settings: FlowSettings;
  #bucket: TokenBucket | null = null;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #travelling: { readonly bytes: Uint8Array; readonly due: number }[] = [];
  #travellingBytes = 0;
  #writing = false;
  #limit: { readonly bytes: number; readonly kind: CutKind } | null = null;
  #end: { readonly how: "fin" | "rst"; readonly due: number } | null = null;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #forwarded = 0;
  #discarded = 0;

  /** Begins at once. The connection listens for errors of both sockets. */
  constructor(source: Socket, sink: Socket, settings: FlowSettings, events: FlowEvents) {
    this.#source = source;
    this.#sink = sink;
    this.#events = events;
    this.#settings = plainFlow;
    source.on("data", (bytes: Uint8Array) => this.#arrive(bytes));
    source.once("end", () => this.#arriveEnd("fin"));
    source.once("close", () => this.#arriveEnd("rst"));
    sink.once("close", () => this.#pump());
    this.apply(settings);
  }

  /** Bytes that the receiver's kernel has taken, since the beginning. */
  get forwarded(): number {
    return this.#forwarded;
  }

  /** Bytes that were read but will never be forwarded: swallowed, or inside the proxy at a cut. */
  get discarded(): number {
    return this.#discarded;
  }

  get closed(): boolean {
    return this.#closed;
  }

  forward(): void {
    this.apply({ mode: "forward" });
  }

  hold(): void {
    this.apply({ mode: "hold" });
  }

  swallow(): void {
    this.apply({ mode: "swallow" });
  }

  delay(ms: number): void {
    this.apply({ delayMs: ms });
  }

  throttle(bytesPerSecond: number): void {
    this.apply({ bytesPerSecond });
  }

  /** Changes some settings. Throws a `RangeError` for a delay or rate that makes no sense. */
  apply(change: Partial<FlowSettings>): void {
    const before = this.#settings.bytesPerSecond;
    this.#settings = checkedSettings({ ...this.#settings, ...change });
    const { bytesPerSecond } = this.#settings;
    if (bytesPerSecond === Number.POSITIVE_INFINITY) this.#bucket = null;
    else if (this.#bucket === null || bytesPerSecond !== before)
      this.#bucket = new TokenBucket(bytesPerSecond, performance.now());
    this.#pump();
  }

  /**
   * Cuts the connection when exactly `bytes` of it have been forwarded this way, counted from its first byte; at once if they
   * have already.
   */
  cutAfter(bytes: number, kind: CutKind = "rst"): void {
    if (!Number.isSafeInteger(bytes) || bytes < 0)
      throw new RangeError(`cutAfter(${bytes}): expected a whole number of bytes, 0 or more`);
    this.#limit = { bytes, kind };
    if (this.#forwarded >= bytes) this.#events.limitReached(kind);
  }

  /** Ends the flow: what is inside is discarded, what still comes is read and discarded. An outstanding write goes on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#discardQueues();
    this.#source.resume();
  }

  #arrive(bytes: Uint8Array): void {
    if (this.#closed) {
      this.#discarded += bytes.length;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#pump();
  }

  #arriveEnd(how: "fin" | "rst"): void {
    // 'close' also follows 'end': the first of the two is what the sender did.
    this.#end ??= { how, due: performance.now() + this.#settings.delayMs };
    this.#pump();
  }

  /** Moves everything as far as the settings let it, and sets the timer for what has to wait. */
  #pump(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    const { mode } = this.#settings;
    if (mode === "swallow" || this.#sink.destroyed) this.#discardQueues();
    if (mode === "forward") {
      const now = performance.now();
      this.#depart(now);
      this.#deliver(now);
      if (this.#passEnd(now)) return;
      this.#wakeAt(now);
    }
    if (mode === "hold" || this.#waitingBytes >= waitingLimit) this.#source.pause();
    else this.#source.resume();
  }

  /** Waiting to travelling, at the rate. */
  #depart(now: number): void {
    const most = this.#settings.delayMs > 0 ? travellingLimit : waitingLimit;
    while (this.#travellingBytes < most) {
      const [head] = this.#waiting;
      if (head === undefined) return;
      const allowed = this.#bucket === null ? head.length : this.#bucket.take(head.length, now);
      if (allowed === 0) return;
      if (allowed === head.length) this.#waiting.shift();
      else this.#waiting[0] = head.subarray(allowed);
      this.#waitingBytes -= allowed;
      this.#travelling.push({ bytes: head.subarray(0, allowed), due: now + this.#settings.delayMs });
      this.#travellingBytes += allowed;
    }
  }

  /** Travelling to the kernel, when due, never past the limit. */
  #deliver(now: number): void {
    const [head] = this.#travelling;
    if (head === undefined || head.due > now || this.#writing) return;
    const room = (this.#limit?.bytes ?? Number.POSITIVE_INFINITY) - this.#forwarded;
    const bytes = head.bytes.length <= room ? head.bytes : head.bytes.subarray(0, room);
    if (bytes === head.bytes) this.#travelling.shift();
    else this.#travelling[0] = { bytes: head.bytes.subarray(bytes.length), due: head.due };
    this.#travellingBytes -= bytes.length;
    const afterGap = this.#discarded > 0;
    this.#writing = true;
    this.#sink.write(bytes, (error) => this.#taken(bytes, afterGap, error));
  }

  #taken(bytes: Uint8Array, afterGap: boolean, error: Error | null | undefined): void {
    this.#writing = false;
    // Node also calls back, without an error, for writes that a destroyed socket never made.
    if ((error ?? null) === null && !this.#sink.destroyed) {
      this.#forwarded += bytes.length;
      this.#events.forwarded(bytes, afterGap);
    } else this.#discarded += bytes.length;
    if (!this.#closed && this.#limit !== null && this.#forwarded >= this.#limit.bytes)
      this.#events.limitReached(this.#limit.kind);
    this.#pump();
  }

  #passEnd(now: number): boolean {
    if (this.#end === null || (this.#end.due > now && !this.#sink.destroyed)) return false;
    if (this.#waitingBytes > 0 || this.#travellingBytes > 0 || this.#writing) return false;
    this.#closed = true;
    this.#events.ended(this.#end.how);
    return true;
  }

  #wakeAt(now: number): void {
    const due = Math.min(
      this.#writing ? Number.POSITIVE_INFINITY : (this.#travelling[0]?.due ?? Number.POSITIVE_INFINITY),
      this.#waitingBytes > 0 && this.#bucket !== null ? now + this.#bucket.waitMs() : Number.POSITIVE_INFINITY,
      this.#end !== null && this.#end.due > now ? this.#end.due : Number.POSITIVE_INFINITY,
    );
    if (due !== Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#pump(), Math.max(1, due - now));
  }

  #discardQueues(): void {
    this.#discarded += this.#waitingBytes + this.#travellingBytes;
    this.#waiting = [];
    this.#travelling = [];
    this.#waitingBytes = 0;
    this.#travellingBytes = 0;
  }
}

/** Returns `settings`. Throws a `RangeError` for a delay or rate that makes no sense. */
export function checkedSettings(settings: FlowSettings): FlowSettings {
  const { delayMs, bytesPerSecond } = settings;
  if (!(delayMs >= 0 && delayMs < 2 ** 31)) throw new RangeError(`delay(${delayMs}): expected milliseconds from 0 to 2147483647`);
  if (!(bytesPerSecond > 0)) throw new RangeError(`throttle(${bytesPerSecond}): expected bytes a second above 0, or Infinity`);
  return settings;
}

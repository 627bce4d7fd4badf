import { LazyMap } from "../bytes/lazy-map.ts";
import { Queue } from "../bytes/queue.ts";
import type { Spot } from "./cursor.ts";

/** A SUB or UNSUB that keeps its place among the publishes. */
export interface ControlItem {
  readonly kind: "control";
  /** Where the log ended at the call: it goes when `written` reached it. */
  readonly spot: Spot;
  readonly line: Uint8Array;
}

/** A request made while there was no usable connection: it waits beside the log, so that its end leaves no hole there. */
export interface MessageItem {
  readonly kind: "message";
  readonly spot: Spot;
  /** A running number; `expire()` and the fences know it by this. */
  readonly seq: number;
  readonly frame: Uint8Array;
  /** When it was accepted, ms. */
  readonly time: number;
  /** Its deadline passed: it must not be sent any more. */
  cancelled: boolean;
}

export type Item = ControlItem | MessageItem;

/** What goes out between the frames of the log, each at its position, in order of calls. */
export class Items {
  readonly #waiting = new Queue<Item>();
  readonly #inFlight = new Queue<MessageItem>();
  readonly #bySeq = new LazyMap<number, MessageItem>();
  #lastSeq = 0;
  #waitingMessages = 0;
  #waitingBytes = 0;
  #inFlightBytes = 0;

  /** Messages beside the log that were not handed over. */
  get waitingMessages(): number {
    return this.#waitingMessages;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get inFlightMessages(): number {
    return this.#inFlight.length;
  }

  get inFlightBytes(): number {
    return this.#inFlightBytes;
  }

  get heldMessages(): number {
    return this.#waitingMessages + this.#inFlight.length;
  }

  get heldBytes(): number {
    return this.#waitingBytes + this.#inFlightBytes;
  }

  /** The number of the last message taken in. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  addControl(spot: Spot, line: Uint8Array): void {
    this.#waiting.push({ kind: "control", spot, line });
  }

  /** Takes in a message whose `frame` belongs to the queue from now on; returns its number. */
  addMessage(spot: Spot, frame: Uint8Array, time: number): number {
    this.#lastSeq++;
    const item: MessageItem = { kind: "message", spot, seq: this.#lastSeq, frame, time, cancelled: false };
    this.#waiting.push(item);
    this.#bySeq.set(item.seq, item);
    this.#waitingMessages++;
    this.#waitingBytes += frame.length;
    return item.seq;
  }

  /** The first thing that waits; cancelled messages are skipped over. */
  peek(): Item | undefined {
    for (;;) {
      const first = this.#waiting.peek();
      if (first === undefined || first.kind === "control" || !first.cancelled) return first;
      this.#waiting.shift();
    }
  }

  /** The first thing is handed over. */
  shift(): void {
    const item = this.#waiting.shift();
    if (item?.kind !== "message") return;
    this.#waitingMessages--;
    this.#waitingBytes -= item.frame.length;
    this.#inFlight.push(item);
    this.#inFlightBytes += item.frame.length;
  }

  /**
   * The message handed over last was not handed over whole: it waits again, before everything else. False if it was cancelled meanwhile:
   * then it leaves, and the caller ends it.
   */
  takeBack(item: MessageItem): boolean {
    this.#inFlight.filter((each) => each !== item);
    this.#inFlightBytes -= item.frame.length;
    if (item.cancelled) {
      this.#bySeq.delete(item.seq);
      return false;
    }
    this.#waiting.unshift(item);
    this.#waitingMessages++;
    this.#waitingBytes += item.frame.length;
    return true;
  }

  /** The messages in flight up to number `seq` are confirmed; returns how many. */
  confirm(seq: number): number {
    let messages = 0;
    for (let first = this.#inFlight.peek(); first !== undefined && first.seq <= seq; first = this.#inFlight.peek()) {
      this.#inFlight.shift();
      this.#forget(first);
      messages++;
    }
    return messages;
  }

  /** The message that was handed over first of those in flight. */
  get firstInFlight(): MessageItem | undefined {
    return this.#inFlight.peek();
  }

  /** The messages in flight up to number `seq`. */
  inFlightUpTo(seq: number): MessageItem[] {
    return [...this.#inFlight].filter((item) => item.seq <= seq);
  }

  /** A message in flight ends other than confirmed, before the others. */
  end(item: MessageItem): void {
    this.#inFlight.filter((each) => each !== item);
    this.#forget(item);
  }

  /** Whether a message up to number `seq` is still held. */
  holdsUpTo(seq: number): boolean {
    const oldest = this.oldest;
    return oldest !== undefined && oldest.seq <= seq;
  }

  /** The message accepted first of those held; its deadline may have passed while it is in flight. */
  get oldest(): MessageItem | undefined {
    for (const item of this.#bySeq.values()) return item;
    return undefined;
  }

  /** Whether the message with this number waits, not handed over. */
  waits(seq: number): boolean {
    const item = this.#bySeq.get(seq);
    return item !== undefined && !item.cancelled && !this.#isInFlight(item);
  }

  /** The number of the last message handed over; 0 before the first. */
  get handedOverSeq(): number {
    return this.#inFlight.last()?.seq ?? 0;
  }

  /** A waiting message ends and will not be sent; one that is in flight is only marked. Returns the message if it ended. */
  cancel(seq: number): MessageItem | undefined {
    const item = this.#bySeq.get(seq);
    if (item === undefined || item.cancelled) return undefined;
    item.cancelled = true;
    if (this.#isInFlight(item)) return undefined;
    this.#waitingMessages--;
    this.#waitingBytes -= item.frame.length;
    this.#bySeq.delete(seq);
    return item;
  }

  /** The connection ended: SUBs and UNSUBs are void (the table is replayed); the messages in flight leave, and are returned. */
  detach(): MessageItem[] {
    const inFlight = [...this.#inFlight];
    for (const item of inFlight) this.#forget(item);
    this.#inFlight.clear();
    this.#waiting.filter((item) => item.kind === "message" && !item.cancelled);
    return inFlight;
  }

  /** The messages that wait leave, and are returned; SUBs and UNSUBs stay. */
  purge(): MessageItem[] {
    const left = [...this.#waiting].filter((item): item is MessageItem => item.kind === "message" && !item.cancelled);
    this.#waiting.filter((item) => item.kind === "control");
    for (const item of left) this.#bySeq.delete(item.seq);
    this.#waitingMessages = 0;
    this.#waitingBytes = 0;
    return left;
  }

  #forget(item: MessageItem): void {
    this.#inFlightBytes -= item.frame.length;
    this.#bySeq.delete(item.seq);
  }

  #isInFlight(item: MessageItem): boolean {
    const first = this.#inFlight.peek();
    return first !== undefined && item.seq >= first.seq && item.seq <= this.handedOverSeq;
  }
}

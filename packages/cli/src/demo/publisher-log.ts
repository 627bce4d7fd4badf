import type { UndeliveredState } from "holdfast";
import { type PayloadFormat, unreadable } from "./payload.ts";
import { RangeRecorder, type Ranges } from "./ranges.ts";

/** What a publisher notes, by message number: how many it published, which were refused, which were handed back and in what state. */
export class PublisherLog {
  readonly #format: PayloadFormat;
  readonly #refused: RangeRecorder = new RangeRecorder();
  readonly #handedBack: Map<UndeliveredState, RangeRecorder> = new Map();
  #attempted = 0;
  #handedBackCount = 0;
  #unreadable = 0;
  #firstRefusal: string | null = null;

  constructor(format: PayloadFormat) {
    this.#format = format;
  }

  get attempted(): number {
    return this.#attempted;
  }
  get refusedCount(): number {
    return this.#refused.count;
  }
  get handedBackCount(): number {
    return this.#handedBackCount;
  }
  /** Handed back with a payload that was never published. */
  get unreadable(): number {
    return this.#unreadable;
  }
  get firstRefusal(): string | null {
    return this.#firstRefusal;
  }

  /** Calls `publish` for the message and notes whether it threw. Numbers come in order from 0. */
  publish(number: number, publish: (payload: Uint8Array) => void): void {
    const payload = this.#format.write(number);
    this.#attempted += 1;
    try {
      publish(payload);
    } catch (error) {
      this.#refused.add(number);
      this.#firstRefusal ??= error instanceof Error ? error.message : String(error);
    }
  }

  /** Notes a message that came back. */
  handedBack(payload: Uint8Array, state: UndeliveredState): void {
    this.#handedBackCount += 1;
    const number = this.#format.read(payload);
    if (number === unreadable) {
      this.#unreadable += 1;
      return;
    }
    const numbers = this.#handedBack.get(state) ?? new RangeRecorder();
    this.#handedBack.set(state, numbers);
    numbers.add(number);
  }

  /** The refused numbers. */
  refused(): Ranges {
    return this.#refused.ranges();
  }

  /** The numbers handed back, by state. */
  handedBackByState(): (readonly [UndeliveredState, Ranges])[] {
    return [...this.#handedBack].map(([state, numbers]) => [state, numbers.ranges()] as const);
  }
}

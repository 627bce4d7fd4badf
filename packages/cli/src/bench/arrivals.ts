import type { PayloadFormat } from "../demo/payload.ts";
import { LatencyHistogram } from "./histogram.ts";

/** What arrived in one stretch of time. */
export interface ArrivalBin {
  /** Its end, milliseconds since the start. */
  readonly atMs: number;
  readonly count: number;
  /** Milliseconds from the moment when a message was due; null when none arrived. */
  readonly medianMs: number | null;
  readonly slowestMs: number | null;
}

/** What a subscriber that goes around the proxy hears of one client. Message n is due at n × 1000 / rate milliseconds. */
export class Arrivals {
  readonly latencies: LatencyHistogram = new LatencyHistogram();
  readonly #format: PayloadFormat;
  readonly #rate: number;
  readonly #binMs: number;
  readonly #numbers: number[] = [];
  readonly #bins: ArrivalBin[] = [];
  readonly #seen: Uint8Array;
  #waits: number[] = [];
  #binEnd: number;

  constructor(format: PayloadFormat, rate: number, total: number, binMs: number) {
    this.#format = format;
    this.#rate = rate;
    this.#binMs = binMs;
    this.#binEnd = binMs;
    this.#seen = new Uint8Array(total);
  }

  /** In the order of arrival, copies among them; −1 for what nobody published so. */
  get numbers(): readonly number[] {
    return this.#numbers;
  }

  get count(): number {
    return this.#numbers.length;
  }

  /** @param atMs milliseconds since the start */
  take(payload: Uint8Array, atMs: number): void {
    const number = this.#format.read(payload);
    this.#numbers.push(number);
    // How long a second copy took says nothing of the message.
    if (number < 0 || this.#seen[number] !== 0) return;
    this.#seen[number] = 1;
    while (atMs >= this.#binEnd) this.#endBin();
    const wait = Math.max(0, atMs - (number * 1000) / this.#rate);
    this.#waits.push(wait);
    this.latencies.record(wait);
  }

  /** All until now. */
  bins(atMs: number): readonly ArrivalBin[] {
    while (atMs >= this.#binEnd) this.#endBin();
    if (this.#waits.length > 0) this.#endBin();
    return this.#bins;
  }

  #endBin(): void {
    const sorted = this.#waits.sort((a, b) => a - b);
    this.#bins.push({
      atMs: this.#binEnd,
      count: sorted.length,
      medianMs: sorted[Math.floor(sorted.length / 2)] ?? null,
      slowestMs: sorted.at(-1) ?? null,
    });
    this.#waits = [];
    this.#binEnd += this.#binMs;
  }
}

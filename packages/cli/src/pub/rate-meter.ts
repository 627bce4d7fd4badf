/** Over how long the rate is taken, ms: long enough not to flicker, short enough to show an outage. */
const spanMs = 2_000;
/** Before that much of the input nobody knows how long the rest takes. */
const leastFraction = 0.01;

/** The rate of late, and the time that is left. Times are ms on one clock. */
export class RateMeter {
  #samples: (readonly [time: number, value: number])[] = [];
  #begun: readonly [time: number, fraction: number] | null = null;

  /** Units a second over the last two seconds. */
  rate(now: number, value: number): number {
    this.#samples.push([now, value]);
    while (this.#samples.length > 2 && (this.#samples[1]?.[0] ?? now) <= now - spanMs) this.#samples.shift();
    const [time, before] = this.#samples[0] ?? [now, value];
    return now === time ? 0 : ((value - before) * 1000) / (now - time);
  }

  /** Milliseconds, when it goes on as on average so far; null as long as nobody knows. */
  timeLeft(now: number, fraction: number | null): number | null {
    if (fraction === null) return null;
    this.#begun ??= [now, fraction];
    const [time, before] = this.#begun;
    if (fraction - before < leastFraction) return null;
    return ((now - time) * (1 - fraction)) / (fraction - before);
  }
}

import type { Counts, HoldfastConnection } from "../../src/index.ts";

/** Looks at the counts every 10 ms: they must add up, and what has ended must stay so. */
export class CountsWatch {
  readonly #nc: HoldfastConnection;
  readonly #timer: NodeJS.Timeout;
  readonly #violations: string[] = [];
  #last: Counts;

  constructor(nc: HoldfastConnection) {
    this.#nc = nc;
    this.#last = nc.outbound.counts();
    this.#timer = setInterval(() => this.look(), 10);
  }

  look(): void {
    const counts = this.#nc.outbound.counts();
    const { accepted, refused, resent: _, inFlight, buffered, ...ended } = counts;
    const sum = Object.values(ended).reduce((total, count) => total + count, inFlight + buffered);
    if (sum !== accepted) this.#violations.push(`the counts do not add up: ${JSON.stringify(counts)}`);
    const held = this.#nc.outbound.held.messages;
    if (held !== inFlight + buffered) this.#violations.push(`${held} messages are held: ${JSON.stringify(counts)}`);
    for (const [state, count] of Object.entries({ accepted, refused, ...ended })) {
      const before = Object.entries(this.#last).find(([name]) => name === state)?.[1] ?? 0;
      if (count < before) this.#violations.push(`${state} went from ${before} to ${count}`);
    }
    this.#last = counts;
  }

  /** What was wrong so far; looks for the last time. */
  stop(): string[] {
    clearInterval(this.#timer);
    this.look();
    return this.#violations.slice(0, 5);
  }
}

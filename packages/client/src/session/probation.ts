/** How long a connection that was given no messages must live, in ms, if no PONG comes. */
const PROBATION_MS = 5_000;

/**
 * Whether a connection proved good, from `attach()` to its end. By its first PONG; or, given no messages, by living for five seconds. One
 * that takes messages and never answers is not, however long it lives: it counts as a failed attempt. The first verdict stands.
 */
export class Probation {
  readonly #since: number;
  #verdict: boolean | undefined;

  /** `now`: of the `attach()`. */
  constructor(now: number) {
    this.#since = now;
  }

  pong(): void {
    this.#verdict ??= true;
  }

  /** The connection is over, for us or of itself. `unanswered`: it was given messages and confirmed none. */
  end(now: number, unanswered: boolean): boolean {
    this.#verdict ??= !unanswered && now - this.#since >= PROBATION_MS;
    return this.#verdict;
  }
}

interface Sid {
  readonly subject: string;
  delivered: number;
  max: number;
}

/** The subscriptions of one connection as a real server keeps them; says what no client may do. */
export class Sids {
  readonly #live = new Map<number, Sid>();
  readonly #seen = new Set<number>();
  readonly #ended = new Set<number>();
  readonly #fail: (what: string) => void;

  constructor(fail: (what: string) => void) {
    this.#fail = fail;
  }

  /** Whether there was a SUB for it, ever. */
  seen(sid: number): boolean {
    return this.#seen.has(sid);
  }

  /** Whether an UNSUB ended it at once. */
  ended(sid: number): boolean {
    return this.#ended.has(sid);
  }

  /** How many messages the server would still send to it. */
  left(sid: number): number {
    const live = this.#live.get(sid);
    return live === undefined ? 0 : live.max - live.delivered;
  }

  /** The sid of a subscription that gets messages to `subject`. */
  forSubject(subject: string): number | undefined {
    for (const [sid, live] of this.#live) {
      const matches = live.subject.endsWith("*") ? subject.startsWith(live.subject.slice(0, -1)) : subject === live.subject;
      if (matches) return sid;
    }
    return undefined;
  }

  sub(args: readonly string[]): void {
    const sid = Number(args.at(-1));
    if (this.#seen.has(sid)) this.#fail(`SUB ${sid} twice on a connection`);
    this.#seen.add(sid);
    this.#live.set(sid, { subject: args[0] ?? "", delivered: 0, max: Infinity });
  }

  /** The number counts from the SUB on this connection. */
  unsub(args: readonly string[]): void {
    const sid = Number(args[0]);
    if (!this.#seen.has(sid)) this.#fail(`UNSUB ${sid} without a SUB`);
    const max = args[1] === undefined ? 0 : Number(args[1]);
    if (args[1] !== undefined && !(max > 0)) this.#fail(`UNSUB ${args.join(" ")}: its number is none`);
    const live = this.#live.get(sid);
    if (args[1] === undefined) this.#ended.add(sid);
    if (live !== undefined) live.max = max;
    this.#endIfDone(sid);
  }

  /** A message was sent to it. */
  delivered(sid: number): void {
    const live = this.#live.get(sid);
    if (live !== undefined) live.delivered++;
    this.#endIfDone(sid);
  }

  #endIfDone(sid: number): void {
    if (this.left(sid) <= 0) this.#live.delete(sid);
  }
}

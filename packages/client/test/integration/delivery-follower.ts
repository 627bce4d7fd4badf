/** Follows numbered messages for as long as one likes, in memory that does not grow with them. */
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { UndeliveredState } from "../../src/index.ts";

/** One bit for each number, in blocks. */
class Numbers {
  readonly #blocks: Uint32Array[] = [];
  size = 0;

  has(number: number): boolean {
    return ((this.#blocks[number >>> 20]?.[(number >>> 5) & 0x7fff] ?? 0) & (1 << (number & 31))) !== 0;
  }

  /** Whether it was new. */
  add(number: number): boolean {
    if (this.has(number)) return false;
    this.#blocks[number >>> 20] ??= new Uint32Array(1 << 15);
    const block = this.#blocks[number >>> 20] ?? new Uint32Array(0);
    block[(number >>> 5) & 0x7fff] = (block[(number >>> 5) & 0x7fff] ?? 0) | (1 << (number & 31));
    this.size += 1;
    return true;
  }
}

/** What arrived, seen by the official client, and what the client under test handed back. */
export class Follower {
  /** What was against the promise so far; the first few. */
  readonly problems: string[] = [];
  duplicated = 0;
  readonly #nc: NatsConnection;
  readonly #arrived = new Numbers();
  readonly #doubted = new Numbers();
  /** Came behind a greater one. */
  readonly #late = new Numbers();
  #greatest = -1;

  /** Begins to follow everything below `prefix`; numbers are the first ten digits of a payload. */
  static async start(servers: string, prefix: string): Promise<Follower> {
    const nc = await connect({ servers, maxReconnectAttempts: -1 });
    const follower = new Follower(nc);
    nc.subscribe(`${prefix}.>`, {
      callback: (error, message) => {
        if (error === null) follower.#take(Number(Buffer.from(message.data.subarray(0, 10)).toString("latin1")));
      },
    });
    await nc.flush();
    return follower;
  }

  private constructor(nc: NatsConnection) {
    this.#nc = nc;
  }

  get arrived(): number {
    return this.#arrived.size;
  }

  /** The client handed a message back. */
  ended(number: number, state: UndeliveredState): void {
    if (state !== "inDoubt") this.#complain(`message ${number} ended ${state}`);
    if (!this.#doubted.add(number)) this.#complain(`message ${number} was handed back twice`);
  }

  /** All messages below `accepted` arrived or are in doubt, and not more twice than `resent`. */
  async finish(accepted: number, inDoubt: number, resent: number): Promise<void> {
    await this.#nc.flush();
    for (let turns = 0; this.#doubted.size < inDoubt && turns < 1_000; turns++) await new Promise((next) => setImmediate(next));
    if (this.#doubted.size !== inDoubt) this.#complain(`${this.#doubted.size} were handed back, ${inDoubt} counted`);
    for (let number = 0; number < accepted; number++) {
      if (this.#doubted.has(number)) continue;
      if (!this.#arrived.has(number)) this.#complain(`message ${number} is nowhere`);
      // A server may read the end of one connection behind the beginning of the next: only what is in doubt may be late.
      if (this.#late.has(number)) this.#complain(`message ${number} came behind a greater one`);
    }
    if (this.duplicated > resent) this.#complain(`${this.duplicated} arrived twice, only ${resent} were sent again`);
  }

  async stop(): Promise<void> {
    await this.#nc.close();
  }

  #take(number: number): void {
    if (!this.#arrived.add(number)) {
      this.duplicated += 1;
      return;
    }
    if (number < this.#greatest) this.#late.add(number);
    this.#greatest = Math.max(this.#greatest, number);
  }

  #complain(problem: string): void {
    if (this.problems.length < 10) this.problems.push(problem);
  }
}

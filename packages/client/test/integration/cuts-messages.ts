/** Messages whose every byte on the wire follows from their number and size, and the books of who read them. */
import { headers, type MsgHdrs, type PublishOptions } from "@nats-io/nats-core";
import type { Undelivered, UndeliveredState } from "../../src/index.ts";
import type { WireFrame } from "../../src/testing/index.ts";

const DIGITS = 8;
const HEADERS = "NATS/1.0\r\nA: 1\r\n\r\n";
/** The most problems that are told; the first ones say it all. */
const MOST_PROBLEMS = 10;

/** What `publish()` is called with. */
export interface CutMessage {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly options: PublishOptions;
}

/** The message of this number. Its size says what it has beside a payload, so that equal sizes make equal frames. */
function messageOf(number: number, payloadBytes: number): CutMessage {
  const reply = replyOf(payloadBytes);
  const options = { ...(reply === "" ? {} : { reply }), ...(hasHeaders(payloadBytes) ? { headers: headerOf() } : {}) };
  return { subject: subjectOf(payloadBytes), payload: payloadOf(number, payloadBytes), options };
}

/** Bytes of the frame of a message. */
export function frameBytes(payloadBytes: number): number {
  const head = hasHeaders(payloadBytes) ? HEADERS.length : 0;
  const line = [...wordsOf(payloadBytes), ...(head > 0 ? [head] : []), head + payloadBytes].join(" ");
  return line.length + head + payloadBytes + 4;
}

/** Its control line, without the sizes. */
function wordsOf(payloadBytes: number): string[] {
  const reply = replyOf(payloadBytes);
  return [hasHeaders(payloadBytes) ? "HPUB" : "PUB", subjectOf(payloadBytes), ...(reply === "" ? [] : [reply])];
}

function subjectOf(payloadBytes: number): string {
  return `c${".x".repeat(payloadBytes % 4)}`;
}

function replyOf(payloadBytes: number): string {
  return payloadBytes % 5 === 0 ? "r" : "";
}

function hasHeaders(payloadBytes: number): boolean {
  return payloadBytes % 7 === 0;
}

function headerOf(): MsgHdrs {
  const made = headers();
  made.set("A", "1");
  return made;
}

/** The number, then letters that differ from one message to the next, so that a byte of the wrong one shows. */
function payloadOf(number: number, bytes: number): Buffer {
  const payload = Buffer.alloc(bytes, `${(number * 7919) % 100_003}:`);
  payload.write(String(number).padStart(DIGITS, "0"), "latin1");
  return payload;
}

/**
 * What was published, what a server read whole, and what was handed back. A message that was read on a connection is known by its number
 * alone: everything else in its frame must be as it was published.
 */
export class CutBooks {
  /** What was wrong so far. */
  readonly problems: string[] = [];
  readonly #sizes: number[] = [];
  readonly #reads: number[] = [];
  readonly #back = new Map<number, UndeliveredState>();
  #largestRead = -1;
  #copies = 0;

  /** How many messages were published. */
  get published(): number {
    return this.#sizes.length;
  }

  /** How many were handed back. */
  get handedBack(): number {
    return this.#back.size;
  }

  /** How often a message was read that had been read before. */
  get copies(): number {
    return this.#copies;
  }

  /** The next message. */
  next(payloadBytes: number): CutMessage {
    this.#sizes.push(payloadBytes);
    this.#reads.push(0);
    return messageOf(this.#sizes.length - 1, payloadBytes);
  }

  readsOf(number: number): number {
    return this.#reads[number] ?? 0;
  }

  stateOf(number: number): UndeliveredState | undefined {
    return this.#back.get(number);
  }

  back(batch: readonly Undelivered[]): void {
    for (const { data, state } of batch) {
      const number = numberIn(data);
      if (this.#back.has(number)) this.problem(`message ${number} was handed back twice`);
      this.#back.set(number, state);
      if (!payloadOf(number, this.#sizes[number] ?? DIGITS).equals(data)) this.problem(`message ${number} came back changed`);
    }
  }

  /**
   * The messages among the commands of one connection, in order. On a connection they follow each other without a gap, and none before
   * them is missing everywhere: `again` allows those that were read before.
   */
  read(commands: readonly WireFrame[], again: boolean): number[] {
    const numbers: number[] = [];
    for (const command of commands) {
      if (command.verb !== "PUB" && command.verb !== "HPUB") continue;
      const number = this.#numberOf(command);
      const last = numbers.at(-1);
      if (last !== undefined && number !== last + 1) this.problem(`message ${number} came behind ${last}`);
      if (again && number > this.#largestRead + 1) this.problem(`message ${number} came before ${this.#largestRead + 1}`);
      if (!again && number <= this.#largestRead) this.problem(`message ${number} came when ${this.#largestRead} had been read`);
      this.#largestRead = Math.max(this.#largestRead, number);
      if (this.readsOf(number) > 0) this.#copies += 1;
      this.#reads[number] = this.readsOf(number) + 1;
      numbers.push(number);
    }
    return numbers;
  }

  /** Of the messages from this one on, those that were handed back lie side by side. */
  checkSideBySide(from: number): void {
    const back: number[] = [];
    for (let number = from; number < this.published; number++) if (this.#back.has(number)) back.push(number);
    const [first = 0] = back;
    if ((back.at(-1) ?? first) - first > Math.max(0, back.length - 1))
      this.problem(`handed back, and not side by side: ${back.slice(0, 10).join(", ")} …`);
  }

  problem(text: string): void {
    if (this.problems.length < MOST_PROBLEMS) this.problems.push(text);
  }

  #numberOf({ verb, args, headers: block, payload }: WireFrame): number {
    const number = payload === null ? Number.NaN : numberIn(payload);
    const size = this.#sizes[number];
    if (payload === null || size === undefined) {
      this.problem(`a frame of no message: ${verb} ${args.join(" ")}`);
      return number;
    }
    const words = [verb, ...args.slice(0, block === null ? -1 : -2)].join(" ");
    const text = block === null ? "" : Buffer.from(block).toString("latin1");
    const whole = payloadOf(number, size).equals(payload) && text === (hasHeaders(size) ? HEADERS : "");
    if (words !== wordsOf(size).join(" ") || !whole) this.problem(`message ${number} arrived changed: ${verb} ${args.join(" ")}`);
    return number;
  }
}

function numberIn(payload: Uint8Array): number {
  return Number(Buffer.from(payload.buffer, payload.byteOffset, Math.min(DIGITS, payload.length)).toString("latin1"));
}

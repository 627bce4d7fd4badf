/** Messages whose every byte follows from their number, so that whoever meets one can tell whether it is whole. */
import { headers, type MsgHdrs } from "@nats-io/nats-core";
import type { HoldfastPublishOptions } from "../../src/index.ts";

/** How large messages are. */
export interface Mix {
  /** Payload bytes of a message, from 16 to 12 000 000. */
  size(number: number): number;
}

/** Nine in ten below 512 B; the others up to 8 kB, one in a hundred up to 64 kB, one in a thousand 300 kB. 1.5 kB on average. */
export const wide: Mix = {
  size(number) {
    const random = scramble(number);
    if (number % 1000 === 437) return 300_000;
    if (number % 100 === 33) return 20_000 + (random % 45_000);
    if (number % 10 === 7) return 1_000 + (random % 7_000);
    return 16 + (random % 496);
  },
};

/** For bursts: up to 256 B; one in a thousand 20 kB, one in ten thousand 300 kB. 190 B on average. */
export const light: Mix = {
  size(number) {
    if (number % 10_000 === 4_321) return 300_000;
    if (number % 1000 === 77) return 20_000;
    return 16 + (scramble(number) % 240);
  },
};

/** None above 255 B: behind a fence that is not answered lie few bytes, so a stall is found in `stallTimeout` and little more. */
export const small: Mix = { size: (number) => 16 + (scramble(number) % 240) };

/** One in three is longer than all that the kernels of a broken link hold, so that a part of it is still here when the link dies. */
export const huge: Mix = {
  size: (number) => (number % 3 === 1 ? largest - number : 16 + (scramble(number) % 240)),
};

const largest = 12_000_000;
const step = 7;
const filler: Buffer = Buffer.from(Array.from({ length: largest + step * 1024 }, (_, index) => 33 + (scramble(index) % 94)));

/** What `publish()` is called with. */
export interface Message {
  readonly subject: string;
  readonly payload: Uint8Array | string;
  readonly options: HoldfastPublishOptions;
}

/** The messages of one run: every 5th has a header, every 7th a reply subject, every 3rd is given as a string, every 2nd not to be copied. */
export class Messages {
  readonly #prefix: string;
  readonly #mix: Mix;

  /** Subjects begin with `prefix`, which is a stream's own. */
  constructor(prefix: string, mix: Mix) {
    this.#prefix = prefix;
    this.#mix = mix;
  }

  make(number: number): Message {
    const payload = this.#payload(number);
    const reply = replyOf(number);
    const options: HoldfastPublishOptions = {
      ...(number % 2 === 0 ? { copy: false } : {}),
      ...(reply === undefined ? {} : { reply }),
      ...(hasHeaders(number) ? { headers: headersFor(number) } : {}),
    };
    return { subject: this.#subject(number), payload: number % 3 === 0 ? payload.toString("latin1") : payload, options };
  }

  /** The number of a message in the stream or handed back. Throws when anything of it is not as it was published. */
  read(subject: string, payload: Uint8Array, found: MsgHdrs | undefined): number {
    const number = numberIn(payload);
    const wrong = this.#difference(number, subject, payload, found);
    if (wrong !== undefined) throw new Error(`message ${number} (${payload.length} bytes, to ${subject}): ${wrong}`);
    return number;
  }

  #difference(number: number, subject: string, payload: Uint8Array, found: MsgHdrs | undefined): string | undefined {
    if (subject !== this.#subject(number)) return `the subject should be ${this.#subject(number)}`;
    if (this.#payload(number).compare(payload) !== 0) return "the payload is not the one published";
    const value = found?.get("Number") ?? "";
    return value === (hasHeaders(number) ? `no. ${number}` : "") ? undefined : `the header Number is "${value}"`;
  }

  #subject(number: number): string {
    return `${this.#prefix}.${"x".repeat(1 + (number % 4) * 9)}`;
  }

  #payload(number: number): Buffer {
    const size = this.#mix.size(number);
    const payload = Buffer.allocUnsafe(size);
    payload.write(String(number).padStart(digits, "0"), "latin1");
    const from = step * (number % 1024);
    filler.copy(payload, digits, from, from + size - digits);
    return payload;
  }
}

/** The number that a payload begins with; `NaN` if it begins otherwise. */
export function numberIn(payload: Uint8Array): number {
  const text = Buffer.from(payload.buffer, payload.byteOffset, Math.min(digits, payload.length)).toString("latin1");
  return /^\d{8}$/.test(text) ? Number(text) : Number.NaN;
}

/** The reply subject of a message, which a stream does not keep. */
export function replyOf(number: number): string | undefined {
  return number % 7 === 0 ? `answers.to.${number}` : undefined;
}

function hasHeaders(number: number): boolean {
  return number % 5 === 0;
}

function headersFor(number: number): MsgHdrs {
  const made = headers();
  made.set("Number", `no. ${number}`);
  return made;
}

const digits = 8;

/** A number without a pattern, from 0 to 2^31 - 1. */
function scramble(number: number): number {
  const mixed = Math.imul(number ^ (number >>> 15), 0x2c1b3c6d);
  return (mixed ^ (mixed >>> 12)) & 0x7fffffff;
}

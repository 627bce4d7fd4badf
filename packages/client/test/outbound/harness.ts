import type { OutboundOptions } from "../../src/options.ts";
import type { EndedMessage } from "../../src/outbound/ended-message.ts";
import type { OutboundEvent } from "../../src/outbound/events.ts";
import { Outbound } from "../../src/outbound/outbound.ts";
import type { Sink } from "../../src/outbound/sink.ts";
import type { Treatment } from "../../src/outbound/treatment.ts";
import { parseServerError } from "../../src/protocol/server-error.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

/** What a server would have read: one line of the client's protocol, with its payload. */
export interface Read {
  readonly verb: string;
  readonly args: readonly string[];
  readonly payload: string;
}

/**
 * A connection as the log sees it, down to the byte: a kernel that takes `capacity` bytes and keeps the rest outstanding, and behind it a
 * reader that knows the protocol by itself.
 */
export class Peer implements Sink {
  readonly chunkBytes: number;
  readonly unfinished: "last-item" | "nothing" = "last-item";
  /** Every byte the kernel took. */
  bytes = Buffer.alloc(0);
  readonly reads: Read[] = [];
  #capacity: number;
  /** The pieces of the outstanding chunk that the kernel has not taken. */
  #rest: Uint8Array[] = [];
  #parsed = 0;

  constructor(capacity = Infinity, chunkBytes = 64 * 1024) {
    this.#capacity = capacity;
    this.chunkBytes = chunkBytes;
  }

  /** Whether a chunk waits for the kernel. */
  get outstanding(): boolean {
    return this.#rest.length > 0;
  }

  write(chunk: Uint8Array): boolean {
    return this.writeAll([chunk]);
  }

  /** What was taken is copied, what waits is not: so it is with sockets. */
  writeAll(pieces: readonly Uint8Array[]): boolean {
    if (this.#rest.length > 0) throw new Error("writeAll() while a chunk is outstanding");
    this.#rest = [...pieces];
    this.#take();
    return !this.outstanding;
  }

  /** From now on the kernel takes nothing. */
  block(): void {
    this.#capacity = 0;
  }

  /** The kernel takes `bytes` more. True when this finished the outstanding chunk: then `taken()` is due. */
  drain(bytes: number): boolean {
    this.#capacity += bytes;
    if (!this.outstanding) return false;
    this.#take();
    return !this.outstanding;
  }

  verbs(verb: string): Read[] {
    return this.reads.filter((read) => read.verb === verb);
  }

  payloads(): string[] {
    return this.messages().map((read) => read.payload);
  }

  /** What it read up to the first message to `poison`, for which a server ends the connection. */
  messages(): Read[] {
    const poison = this.reads.findIndex((read) => read.args[0] === "poison");
    const read = poison < 0 ? this.reads : this.reads.slice(0, poison);
    return read.filter(({ verb }) => verb === "PUB" || verb === "HPUB");
  }

  /** Whether it read a message that a server ends the connection for. */
  get poisoned(): boolean {
    return this.reads.some((read) => read.args[0] === "poison");
  }

  /** How many messages to `subject` it read between its PINGs number `ping - 1` and `ping`. */
  between(subject: string, ping: number): number {
    let seen = 0;
    let count = 0;
    for (const { verb, args } of this.reads) {
      if (verb === "PING") seen++;
      if (seen === ping && verb.endsWith("PUB") && args[0] === subject) count++;
      if (seen > ping) break;
    }
    return count;
  }

  #take(): void {
    const taken = [this.bytes];
    for (let piece = this.#rest.shift(); piece !== undefined; piece = this.#rest.shift()) {
      const n = Math.min(this.#capacity, piece.length);
      taken.push(Buffer.from(piece.subarray(0, n)));
      this.#capacity -= n;
      if (n === piece.length) continue;
      this.#rest.unshift(piece.subarray(n));
      break;
    }
    this.bytes = Buffer.concat(taken);
    this.#read();
  }

  #read(): void {
    for (;;) {
      const line = this.bytes.indexOf("\r\n", this.#parsed);
      if (line < 0) return;
      const [verb = "", ...args] = this.bytes.toString("utf8", this.#parsed, line).split(" ");
      const size = verb === "PUB" || verb === "HPUB" ? Number(args.at(-1)) : -2;
      if (this.bytes.length < line + 4 + size) return;
      if (!["PUB", "HPUB", "PING", "PONG", "SUB", "UNSUB"].includes(verb))
        throw new Error(`the peer read ${JSON.stringify(verb)}`);
      if (size >= 0 && this.bytes.toString("latin1", line + 2 + size, line + 4 + size) !== "\r\n")
        throw new Error("payload without its end");
      const headers = verb === "HPUB" ? Number(args.at(-2)) : 0;
      this.reads.push({ verb, args, payload: size < 0 ? "" : this.bytes.toString("utf8", line + 2 + headers, line + 2 + size) });
      this.#parsed = line + 4 + size;
    }
  }
}

/** The defaults of `connect()`, as the log gets them. */
export const defaults: OutboundOptions = {
  reconnectBuffer: { enabled: true, maxBytes: 8 * 1024 * 1024, maxMessages: Infinity, maxAge: Infinity, whenFull: "error" },
  maxQueued: { maxBytes: Infinity, maxMessages: Infinity },
  maxInFlight: 8 * 1024 * 1024,
  fenceDelay: 20,
  maxControlLine: 4096,
  delivery: "at-most-once",
  stallTimeout: 10_000,
  backlogDelay: 0,
};

/** Defaults with some of the reconnect buffer's changed. */
export function withBuffer(changes: Partial<OutboundOptions["reconnectBuffer"]>): OutboundOptions {
  return { ...defaults, reconnectBuffer: { ...defaults.reconnectBuffer, ...changes } };
}

/** A log on a virtual clock, with everything it hands back. */
export class Bench {
  readonly clock = new VirtualClock();
  readonly back: EndedMessage[] = [];
  readonly batches: number[] = [];
  readonly failures: unknown[] = [];
  readonly events: OutboundEvent[] = [];
  /** What the stall rule said, ms; the bench then cuts the connection. */
  readonly stalls: number[] = [];
  readonly log: Outbound;
  peer: Peer | undefined;
  #pongs = 0;

  constructor(
    options: OutboundOptions = defaults,
    listener: ((batch: readonly EndedMessage[]) => void | Promise<void>) | null | undefined = undefined,
  ) {
    const keep = (batch: readonly EndedMessage[]): void => {
      this.back.push(...batch);
      this.batches.push(batch.length);
    };
    this.log = new Outbound(options, this.clock, {
      undelivered: listener === undefined ? keep : listener,
      undeliveredFailed: (error) => this.failures.push(error),
      stalled: (ms) => {
        this.stalls.push(ms);
        this.cut();
      },
      event: (event) => this.events.push(event),
    });
  }

  connect(peer: Peer = new Peer(), maxPayload = 1024 * 1024, headers = true): Peer {
    this.peer = peer;
    this.#pongs = 0;
    this.log.attach(peer, maxPayload, headers);
    return peer;
  }

  cut(): void {
    this.peer = undefined;
    this.log.detach();
  }

  publish(payload: string, subject = "a", treatment?: Treatment): boolean {
    return this.log.publish(subject, "", null, payload, treatment);
  }

  /** PINGs the peer read and did not answer. */
  get pings(): number {
    return (this.peer?.verbs("PING").length ?? 0) - this.#pongs;
  }

  /**
   * The peer answers up to `most` of its PINGs, and before each says what it refused: messages to `forbidden`. `withheld`: it does not say
   * it of the last of them.
   */
  answer(most = Infinity, withheld = false): void {
    for (let n = Math.min(most, this.pings); n > 0 && this.peer !== undefined; n--) {
      const refused = this.peer.between("forbidden", this.#pongs) - (withheld ? 1 : 0);
      for (let i = 0; i < refused; i++) {
        const text = 'Permissions Violation for Publish to "forbidden"';
        this.log.refused(text, parseServerError(text));
      }
      this.#pongs++;
      this.log.pong();
    }
  }

  /** The peer ends the connection for what it read; `said`: it says why. */
  complain(said: boolean): void {
    const text = "Maximum Payload Violation";
    if (said) this.log.refused(text, parseServerError(text));
    this.cut();
  }

  /** Takes, answers and runs until nothing moves any more. */
  settle(): void {
    for (let rounds = 0; rounds < 1000; rounds++) {
      this.clock.advance(25);
      if (this.peer?.poisoned) {
        this.complain(rounds % 2 === 0);
        return;
      }
      if (this.peer?.drain(Number.MAX_SAFE_INTEGER) === true) this.log.taken();
      else if (this.pings > 0) this.answer();
      else if (this.log.held.messages === 0 || this.peer === undefined) return;
    }
    throw new Error("the log does not settle");
  }

  /** The sum of all states, which must equal `accepted`. */
  sum(): number {
    const c = this.log.counts();
    return c.confirmed + c.rejected + c.inDoubt + c.dropped + c.expired + c.undeliverable + c.abandoned + c.inFlight + c.buffered;
  }
}

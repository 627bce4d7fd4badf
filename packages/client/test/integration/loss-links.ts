/** Watches what the client gives to its links: a real transport, with a record beside it. It sees the plain frames also under TLS. */
import assert from "node:assert/strict";
import { WireReader } from "../../src/testing/index.ts";
import type { Link, LinkHandler, Transport } from "../../src/transport/transport.ts";
import type { LinkEvidence, SentFrame } from "./delivery-evidence.ts";
import { numberIn } from "./loss-messages.ts";

/** What the client says of itself at this instant. */
export interface Probe {
  readonly accepted: number;
  readonly inDoubt: number;
  readonly window: number;
}

/** `inner`, whose links are added to `records` as they are made. */
export function recordedTransport(inner: Transport, probe: () => Probe, records: LinkRecord[]): Transport {
  return {
    resolve: (hostname) => inner.resolve(hostname),
    dial: async (endpoint, handler, options) => {
      const record = new LinkRecord(probe);
      records.push(record);
      try {
        const link = await inner.dial(endpoint, record.listen(handler), options);
        return record.watch(link);
      } catch (error) {
        records.splice(records.indexOf(record), 1);
        throw error;
      }
    },
  };
}

/** The record of one link. */
export class LinkRecord {
  readonly #probe: () => Probe;
  readonly #scanner = new FrameScanner();
  readonly #answers = new WireReader(({ verb }) => {
    if (verb === "PONG") this.#pongs += 1;
  });
  #pongs = 0;
  #link: Link | undefined;
  #handed = 0;
  #outstanding = false;
  #largestWindow = 0;
  #endedByClient = false;
  /** What had been handed over when the client reset the link: afterwards the link knows less. */
  #atReset: SentFrame[] | undefined;
  #end: Pick<LinkEvidence, "acceptedAtEnd" | "endedInDoubt" | "handedOver" | "closedByClient"> | undefined;

  constructor(probe: () => Probe) {
    this.#probe = probe;
  }

  get open(): boolean {
    return this.#end === undefined;
  }

  get encrypted(): boolean {
    return this.#link?.encrypted === true;
  }

  /** Bytes given to the link. */
  get handed(): number {
    return this.#handed;
  }

  /** Throws when the link is still open. */
  evidence(): LinkEvidence {
    if (this.#end === undefined) throw new Error("the link is still open");
    return {
      ...this.#end,
      confirmed: this.#scanner.pings[this.#pongs - 1] ?? 0,
      largestWindow: this.#largestWindow,
    };
  }

  listen(handler: LinkHandler): LinkHandler {
    return {
      data: (bytes) => {
        // While TLS is set up, and behind it, these are plain bytes.
        this.#answers.push(bytes);
        handler.data(bytes);
      },
      taken: () => {
        this.#outstanding = false;
        handler.taken();
      },
      closed: (error) => {
        const { accepted, inDoubt } = this.#probe();
        const handedOver = this.#atReset ?? this.#handedOver();
        handler.closed(error);
        const endedInDoubt = this.#probe().inDoubt - inDoubt;
        this.#end = { handedOver, acceptedAtEnd: accepted, endedInDoubt, closedByClient: this.#endedByClient };
      },
    };
  }

  watch(link: Link): Link {
    this.#link = link;
    return {
      get encrypted() {
        return link.encrypted;
      },
      get chunkBytes() {
        return link.chunkBytes;
      },
      get unfinished() {
        return link.unfinished;
      },
      write: (chunk) => this.#write(chunk, link.write(chunk)),
      writeAll: (pieces) => this.#write(Buffer.concat(pieces), link.writeAll(pieces)),
      secure: (options, tlsName) => link.secure(options, tlsName),
      end: () => {
        this.#endedByClient = true;
        link.end();
      },
      reset: () => {
        this.#endedByClient = true;
        this.#atReset ??= this.#handedOver();
        link.reset();
      },
      destroy: () => link.destroy(),
      keepAlive: (hold) => link.keepAlive(hold),
    };
  }

  #write(chunk: Uint8Array, taken: boolean): boolean {
    // Behind the write, as the log counts it: what was written in this call is in flight.
    this.#scanner.push(chunk);
    this.#handed += chunk.length;
    this.#outstanding = !taken;
    this.#largestWindow = Math.max(this.#largestWindow, this.#probe().window);
    return taken;
  }

  /** Of a chunk that the kernel did not take whole, at least the last byte stayed here, unless nothing is known. */
  #handedOver(): SentFrame[] {
    const stayed = this.#outstanding && this.#link?.unfinished === "last-item" ? 1 : 0;
    return this.#scanner.frames.filter(({ end }) => end <= this.#handed - stayed);
  }
}

/** Finds the frames in what a client writes, without copying: the links of a run carry some hundred thousand of them. */
class FrameScanner {
  readonly frames: SentFrame[] = [];
  /** Where each PING ends. */
  readonly pings: number[] = [];
  #position = 0;
  /** Bytes still to come of a frame that was given in pieces. */
  #missing = 0;

  /** Throws when the chunk does not begin with a frame, or with the rest of the last one. */
  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    let at = Math.min(this.#missing, bytes.length);
    this.#missing -= at;
    while (at < bytes.length) at = this.#frame(bytes, at);
    this.#position += bytes.length;
  }

  /** Reads the frame at `at`, and returns where the next one begins. */
  #frame(bytes: Buffer, at: number): number {
    const lineEnd = bytes.indexOf("\r\n", at);
    assert.ok(lineEnd >= 0, `a chunk ends within a control line: ${bytes.toString("latin1", at, at + 80)}`);
    const words = bytes.toString("latin1", at, lineEnd).split(" ");
    const [verb = ""] = words;
    assert.match(verb, /^(H?PUB|PING|PONG|SUB|UNSUB|CONNECT)$/);
    if (verb === "PING") this.pings.push(this.#position + lineEnd + 2);
    if (!verb.endsWith("PUB")) return lineEnd + 2;
    const headerBytes = verb === "HPUB" ? Number(words.at(-2)) : 0;
    const next = lineEnd + 2 + Number(words.at(-1)) + 2;
    const number = numberIn(bytes.subarray(lineEnd + 2 + headerBytes));
    this.frames.push({ number, start: this.#position + at, end: this.#position + next });
    this.#missing = Math.max(0, next - bytes.length);
    return Math.min(next, bytes.length);
  }
}

import type { Runtime } from "../runtime.ts";
import { MemoryKernel } from "./memory-kernel.ts";
import { lostError } from "./socket-errors.ts";
import type { Endpoint, Link, LinkHandler, SecureOptions } from "./transport.ts";

/** `MemoryOptions` with their defaults. */
export interface MemorySettings {
  readonly runtime: Runtime;
  readonly capacity: number;
  readonly chunkBytes: number;
  readonly unfinished: "last-item" | "nothing";
  readonly secured: (options: SecureOptions, tlsName: string) => Error | null;
}

/** A chunk for which `write()` returned `false`; `taken()` ends it, a turn after its rest became empty. */
interface Outstanding {
  rest: Uint8Array;
}

/**
 * The client's end of a memory connection; `MemoryPeer` is the other one. Every event comes in a turn of its own, in the order of the
 * causes. As with sockets, nothing but `closed()` comes after our own `reset()` or `destroy()`.
 */
export class MemoryLink implements Link {
  readonly chunkBytes: number;
  readonly endpoint: Endpoint;
  readonly kernel: MemoryKernel;
  /** Called when the peer may have something new to read or to notice. */
  onChange: () => void = () => {};
  /** `closing`: we ended it, and `closed()` is due. */
  #state: "open" | "closing" | "closed" = "open";
  #stage: "plain" | "securing" | "secure";
  /** What follows behind the last byte. */
  #outgoing: "more" | "fin" | "rst" = "more";
  #outstanding: Outstanding | null = null;
  #keepsAlive = true;
  readonly #handler: LinkHandler;
  readonly #settings: MemorySettings;

  constructor(endpoint: Endpoint, handler: LinkHandler, settings: MemorySettings, encrypted: boolean) {
    this.endpoint = endpoint;
    this.chunkBytes = settings.chunkBytes;
    this.kernel = new MemoryKernel(settings.capacity);
    this.#handler = handler;
    this.#settings = settings;
    this.#stage = encrypted ? "secure" : "plain";
  }

  get encrypted(): boolean {
    return this.#stage === "secure";
  }

  /** A chunk that the kernel took whole while its `taken()` is still due may have been read by the peer. */
  get unfinished(): "last-item" | "nothing" {
    return this.#outstanding?.rest.length === 0 ? "nothing" : this.#settings.unfinished;
  }

  /** What follows behind the last byte, as far as the peer could know. */
  get outgoing(): "more" | "fin" | "rst" {
    return this.#outgoing;
  }

  /** How much of the outstanding chunk the kernel has not taken and still may. */
  get unsent(): number {
    return this.#state === "open" && this.#outstanding !== null ? this.#outstanding.rest.length : 0;
  }

  /** What `keepAlive()` said last. */
  get keepsAlive(): boolean {
    return this.#keepsAlive;
  }

  write(chunk: Uint8Array): boolean {
    if (this.#state !== "open" || this.#outgoing !== "more") return false;
    if (this.#stage === "securing") throw new Error("write() while secure() is under way: it would go out in the clear");
    if (this.#outstanding !== null) throw new Error("write() before taken() of the last chunk");
    const count = this.kernel.take(chunk);
    const whole = count === chunk.length;
    if (!whole) this.#outstanding = { rest: chunk.subarray(count) };
    this.onChange();
    return whole;
  }

  writeAll(pieces: readonly Uint8Array[]): boolean {
    return this.write(Buffer.concat(pieces));
  }

  /** The peer has read: the kernel takes more of the outstanding chunk. */
  refill(): void {
    const outstanding = this.#outstanding;
    if (outstanding === null || this.unsent === 0) return;
    outstanding.rest = outstanding.rest.subarray(this.kernel.take(outstanding.rest));
    if (outstanding.rest.length > 0) return;
    this.#later(() => {
      this.#outstanding = null;
      this.#handler.taken();
    });
  }

  secure(options: SecureOptions, tlsName: string): Promise<void> {
    if (this.#stage !== "plain") return Promise.reject(new Error(`secure() on a link that is ${this.#stage}`));
    this.#stage = "securing";
    return new Promise((resolve, reject) => {
      this.nextTurn(() => {
        const gone = this.#state === "open" ? null : new Error("closed during the TLS handshake");
        const failure = gone ?? this.#settings.secured(options, tlsName);
        if (failure === null) {
          this.#stage = "secure";
          resolve();
          return;
        }
        reject(lostError(this.endpoint, failure));
        if (this.#state === "open") this.#finish(failure);
      });
    });
  }

  end(): void {
    if (this.#state !== "open" || this.#outgoing !== "more") return;
    this.#outgoing = "fin";
    this.onChange();
  }

  reset(): void {
    if (this.#state !== "open") return;
    this.kernel.clear();
    this.#outgoing = "rst";
    this.#close();
  }

  destroy(): void {
    if (this.#state !== "open") return;
    this.#outgoing = "fin";
    this.#close();
  }

  keepAlive(hold: boolean): void {
    this.#keepsAlive = hold;
  }

  /** Bytes from the peer arrive. */
  deliver(bytes: Uint8Array): void {
    this.#later(() => {
      const read = Uint8Array.from(bytes);
      this.#handler.data(read);
      // Sockets read into the same memory again.
      read.fill(0);
    });
  }

  /** The peer's FIN (`null`) or RST arrives, behind everything that happened before. */
  arriveEnd(error: Error | null): void {
    this.#later(() => this.#finish(error));
  }

  /** Runs a task in a turn of its own. */
  nextTurn(task: () => void): void {
    this.#settings.runtime.nextTurn(task);
  }

  /** Runs a task in the next turn, unless the link has ended by then. */
  #later(task: () => void): void {
    this.nextTurn(() => {
      if (this.#state === "open") task();
    });
  }

  /** Ends the link at this moment. */
  #finish(error: Error | null): void {
    this.#state = "closed";
    if (this.#outgoing === "more") this.#outgoing = "fin";
    this.#handler.closed(error === null ? null : lostError(this.endpoint, error));
    this.onChange();
  }

  #close(): void {
    this.#state = "closing";
    this.onChange();
    this.nextTurn(() => this.#finish(null));
  }
}

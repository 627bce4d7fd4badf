import type { MemoryLink } from "./memory-link.ts";
import type { Endpoint } from "./transport.ts";

/** The server's end of a memory link: the test plays the server. */
export interface MemoryPeer {
  /** What was dialled. */
  readonly endpoint: Endpoint;
  /** Whether `secure()` was called, or the dial began with it. */
  readonly encrypted: boolean;
  /** What the link's `keepAlive()` said last; true until then. */
  readonly keepsAlive: boolean;
  /** Bytes that the client's kernel took since the dial. */
  readonly taken: number;
  /** Bytes that were read since the dial. */
  readonly received: number;
  /** Bytes that the kernel took and that are not yet read. */
  readonly waiting: number;
  /** Bytes of the outstanding chunk that the kernel has not taken. */
  readonly unsent: number;
  /** How the client's side ended: `"fin"` once everything before it was read, `"rst"` at once; `null` until then. */
  readonly ended: "fin" | "rst" | null;
  /**
   * Reads the next `max` bytes (default: all), or as many as were handed over. As the kernel gets room it takes more of the
   * outstanding chunk: `read(peer.waiting)` reads only what it has already.
   */
  read(max?: number): Uint8Array;
  /** Reads by itself from now on, a kernel's content a turn; `null`: holds, which is how a peer begins. */
  receive(handler: ((bytes: Uint8Array) => void) | null): void;
  /** Called once, when `ended` becomes known. */
  onEnd(handler: (how: "fin" | "rst") => void): void;
  /** Sends bytes to the client; they are copied, and come in one piece. Throws after `fin()` and `reset()`. */
  send(bytes: Uint8Array): void;
  /** Ends our own half, behind what was sent. The client closes when it arrives; what its kernel holds can still be read. */
  fin(): void;
  /** RST. What the kernel holds can no longer be read. */
  reset(): void;
  /**
   * Cuts the link when byte `position` (from 1, counted since the dial) has been read: the kernel takes nothing behind it. Throws a
   * RangeError for a position that the kernel is already past.
   */
  cutAt(position: number, how: "fin" | "rst"): void;
}

/** The peer of `link`. */
export function memoryPeer(link: MemoryLink): MemoryPeer {
  return new Peer(link);
}

class Peer implements MemoryPeer {
  received = 0;
  readonly #link: MemoryLink;
  /** Our own half. */
  #half: "open" | "fin" | "rst" = "open";
  #receiver: ((bytes: Uint8Array) => void) | null = null;
  #reading: "idle" | "scheduled" = "idle";
  #cut: { readonly position: number; readonly how: "fin" | "rst" } | null = null;
  #ended: "fin" | "rst" | null = null;
  readonly #endHandlers: ((how: "fin" | "rst") => void)[] = [];

  constructor(link: MemoryLink) {
    this.#link = link;
    link.onChange = () => this.#wake();
  }

  get endpoint(): Endpoint {
    return this.#link.endpoint;
  }

  get encrypted(): boolean {
    return this.#link.encrypted;
  }

  get keepsAlive(): boolean {
    return this.#link.keepsAlive;
  }

  get taken(): number {
    return this.#link.kernel.taken;
  }

  get waiting(): number {
    return this.#half === "rst" ? 0 : this.#link.kernel.held;
  }

  get unsent(): number {
    return this.#link.unsent;
  }

  get ended(): "fin" | "rst" | null {
    return this.#ended;
  }

  read(max: number = Number.POSITIVE_INFINITY): Uint8Array {
    const parts: Uint8Array[] = [];
    let left = max;
    while (left > 0 && this.waiting > 0) {
      const part = this.#link.kernel.read(left);
      parts.push(part);
      left -= part.length;
      this.received += part.length;
      this.#link.refill();
    }
    this.#cutIfReached();
    this.#noticeEnd();
    return concat(parts);
  }

  receive(handler: ((bytes: Uint8Array) => void) | null): void {
    this.#receiver = handler;
    this.#wake();
  }

  onEnd(handler: (how: "fin" | "rst") => void): void {
    this.#endHandlers.push(handler);
    if (this.#ended !== null) this.#announceEnd();
  }

  send(bytes: Uint8Array): void {
    if (this.#half !== "open") throw new Error(`send() after ${this.#half === "fin" ? "fin()" : "reset()"}`);
    // Not bytes.slice(): a Buffer's slice is a view.
    this.#link.deliver(new Uint8Array(bytes));
  }

  fin(): void {
    if (this.#half !== "open") return;
    this.#half = "fin";
    this.#link.arriveEnd(null);
  }

  reset(): void {
    if (this.#half === "rst") return;
    this.#half = "rst";
    this.#link.arriveEnd(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET", syscall: "read" }));
  }

  cutAt(position: number, how: "fin" | "rst"): void {
    if (position < this.taken) throw new RangeError(`cutAt(${position}): the kernel has taken ${this.taken} bytes already`);
    this.#link.kernel.limit = position;
    this.#cut = { position, how };
    this.#cutIfReached();
  }

  /** The link changed: reads in a later turn, as a socket would. */
  #wake(): void {
    this.#noticeEnd();
    if (this.#receiver === null || this.#reading === "scheduled" || this.waiting === 0) return;
    this.#reading = "scheduled";
    this.#link.nextTurn(() => {
      this.#reading = "idle";
      // It may have been told to hold since.
      if (this.#receiver !== null && this.waiting > 0) this.#receiver(this.read(this.waiting));
      this.#wake();
    });
  }

  #cutIfReached(): void {
    if (this.#cut === null || this.received < this.#cut.position) return;
    const { how } = this.#cut;
    this.#cut = null;
    if (how === "fin") this.fin();
    else this.reset();
  }

  #noticeEnd(): void {
    if (this.#ended !== null || this.#half === "rst") return;
    const { outgoing, kernel, unsent } = this.#link;
    if (outgoing === "more" || (outgoing === "fin" && (kernel.held > 0 || unsent > 0))) return;
    this.#ended = outgoing;
    this.#announceEnd();
  }

  #announceEnd(): void {
    this.#link.nextTurn(() => {
      const how = this.#ended;
      if (how === null) return;
      for (const handler of this.#endHandlers.splice(0)) handler(how);
    });
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

import type { Sink } from "../../src/outbound/sink.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { PingScanner } from "./ping-scanner.ts";

/** What a simulated link is made of. All of it may change while bytes are on their way. */
export interface LinkSettings {
  /** Rate towards the server, bytes a second. */
  readonly bytesPerSecond: number;
  /** Both ways together, without queues, ms. */
  readonly roundTripMs: number;
  /**
   * What the kernel and the queue of the bottleneck hold unacknowledged at most, bytes: a sender cannot tell them apart, its PING waits
   * behind both. It grows to this with what was acknowledged, as Linux does it. Default: Linux's 4 MiB.
   */
  readonly kernelBytes?: number;
  /** What it holds at the beginning, bytes. Default: 64 KiB. */
  readonly firstKernelBytes?: number;
  /** PONGs come this much later: they wait behind bulk that the server sends, ms. Default: 0. */
  readonly pongLateMs?: number;
}

/** `hold`: nobody reads, so TCP's windows close. `swallow`: what arrives is acknowledged and lost. Both: nothing comes back. */
export type LinkMode = "forward" | "hold" | "swallow";

/** What the link tells its owner, in turns of the owner's clock. */
export interface LinkOwner {
  taken(): void;
  pong(): void;
  /** Bytes came in, before they are looked at. */
  received(): void;
}

const FIRST_KERNEL_BYTES = 64 * 1024;
const LINUX_KERNEL_BYTES = 4 * 1024 * 1024;
/** What a receiver's kernel takes while nobody reads. */
const RECEIVE_BYTES = 128 * 1024;
/** Bytes travel in pieces of this much time, but at least one segment and at most what a kernel puts together. */
const PIECE_MS = 0.5;
const SEGMENT_BYTES = 1460;
const LARGEST_PIECE = 64 * 1024;

/**
 * A path to a server, under the log in place of a socket. Only positions in the stream move, by the laws of the link; the frames are read
 * as they are handed over, to know where the PINGs lie.
 *
 * ```
 *   offered ≥ taken ≥ sent ≥ arrived ≥ read          the kernel holds taken − acknowledged
 *     write()   kernel   rate    delay    server
 * ```
 *
 * The path has a clock of its own, which goes on while the event loop of the sender is blocked.
 */
export class SimulatedLink implements Sink {
  readonly chunkBytes: number = 64 * 1024;
  readonly unfinished = "last-item";
  readonly #clock: VirtualClock;
  readonly #path: VirtualClock;
  readonly #owner: LinkOwner;
  readonly #scanner: PingScanner;
  #settings: LinkSettings;
  #mode: LinkMode = "forward";
  #kernelBytes: number;
  #offered = 0;
  #taken = 0;
  #sent = 0;
  #arrived = 0;
  #read = 0;
  #acknowledged = 0;
  #sending = false;
  #outstanding = false;
  #serverBusyUntil = 0;
  /** Where PINGs end that the server has not read. */
  readonly #pings: number[] = [];
  #due: (() => void)[] = [];
  #wake: { cancel(): void } | undefined;
  #deaf = false;
  #over = false;

  constructor(clock: VirtualClock, settings: LinkSettings, owner: LinkOwner) {
    this.#clock = clock;
    this.#path = new VirtualClock({ start: clock.now() });
    this.#settings = settings;
    this.#kernelBytes = settings.firstKernelBytes ?? FIRST_KERNEL_BYTES;
    this.#owner = owner;
    this.#scanner = new PingScanner((end) => this.#pings.push(end));
  }

  /** Bytes that the server has read. */
  get read(): number {
    return this.#read;
  }

  /** Bytes that the sender's kernel took. */
  get taken(): number {
    return this.#taken;
  }

  write(chunk: Uint8Array): boolean {
    if (this.#outstanding) throw new Error("write() while a chunk is outstanding");
    this.#scanner.push(chunk);
    this.#path.runUntil(this.#clock.now());
    this.#offered += chunk.length;
    this.#fill();
    this.#outstanding = this.#taken < this.#offered;
    this.#rearm();
    return !this.#outstanding;
  }

  writeAll(pieces: readonly Uint8Array[]): boolean {
    return this.write(Buffer.concat(pieces));
  }

  /** What is under way keeps its time. */
  change(settings: Partial<LinkSettings>): void {
    this.#path.runUntil(this.#clock.now());
    this.#settings = { ...this.#settings, ...settings };
  }

  set(mode: LinkMode): void {
    this.#path.runUntil(this.#clock.now());
    this.#mode = mode;
    this.#arrive(this.#arrived);
    this.#rearm();
  }

  /** The server reads nothing for so long. */
  serverHiccup(ms: number): void {
    this.#path.runUntil(this.#clock.now());
    this.#serverBusyUntil = this.#path.now() + ms;
    this.#path.timer(ms, () => this.#serve());
    this.#rearm();
  }

  /** Bytes come in every so often, whatever the mode, until the link is over. */
  inbound(everyMs: number): void {
    const next = (): void => {
      this.#tell(() => this.#owner.received());
      this.#path.timer(everyMs, next);
    };
    this.#path.timer(everyMs, next);
    this.#rearm();
  }

  /**
   * The sender's event loop is blocked from now until the clock runs on. As in Node, timers that are overdue then run before it hears of
   * the link, and what they defer to the next turn runs after that.
   */
  blocked(): void {
    this.#wake?.cancel();
    this.#deaf = true;
    this.#clock.timer(0, () => this.#clock.nextTurn(() => this.#deliver()));
  }

  /** The connection is reset: nothing is told any more. */
  end(): void {
    this.#over = true;
    this.#wake?.cancel();
  }

  /** The kernel takes what it has room for. */
  #fill(): void {
    const room = Math.max(0, this.#kernelBytes - (this.#taken - this.#acknowledged));
    this.#taken = Math.min(this.#offered, this.#taken + room);
    this.#send();
  }

  #send(): void {
    const bytesPerMs = this.#settings.bytesPerSecond / 1000;
    const window = this.#mode === "hold" ? this.#read + RECEIVE_BYTES : Infinity;
    const most = Math.min(LARGEST_PIECE, Math.max(SEGMENT_BYTES, Math.round(bytesPerMs * PIECE_MS)));
    const piece = Math.min(most, this.#taken - this.#sent, window - this.#sent);
    if (this.#sending || piece <= 0) return;
    this.#sending = true;
    this.#path.timer(piece / bytesPerMs, () => {
      this.#sending = false;
      this.#sent += piece;
      const end = this.#sent;
      this.#path.timer(this.#settings.roundTripMs / 2, () => this.#arrive(end));
      this.#send();
    });
  }

  #arrive(end: number): void {
    // A change to a shorter delay may overtake; TCP would not.
    this.#arrived = Math.max(this.#arrived, end);
    this.#serve();
    this.#path.timer(this.#settings.roundTripMs / 2, () => this.#acknowledge(end));
  }

  #acknowledge(end: number): void {
    const bytes = Math.max(0, end - this.#acknowledged);
    this.#acknowledged += bytes;
    const limit = this.#settings.kernelBytes ?? LINUX_KERNEL_BYTES;
    this.#kernelBytes = Math.min(limit, this.#kernelBytes + bytes);
    // Linux calls a socket writable again when a third of its buffer is free.
    const isWritable = this.#taken - this.#acknowledged <= (this.#kernelBytes * 2) / 3;
    if (this.#taken === this.#offered || !isWritable) return;
    this.#fill();
    if (this.#taken < this.#offered) return;
    this.#tell(() => {
      this.#outstanding = false;
      this.#owner.taken();
    });
  }

  #serve(): void {
    if (this.#mode === "hold" || this.#path.now() < this.#serverBusyUntil) return;
    this.#read = this.#arrived;
    for (let end = this.#pings[0]; end !== undefined && end <= this.#read; end = this.#pings[0]) {
      this.#pings.shift();
      if (this.#mode === "forward") this.#answer();
    }
    this.#send();
  }

  #answer(): void {
    this.#path.timer(this.#settings.roundTripMs / 2 + (this.#settings.pongLateMs ?? 0), () => {
      if (this.#mode !== "forward") return;
      this.#tell(() => {
        this.#owner.received();
        this.#owner.pong();
      });
    });
  }

  /** Called at a moment of the path; the sender hears of it in its own time. */
  #tell(task: () => void): void {
    this.#due.push(task);
  }

  #deliver(): void {
    this.#wake = undefined;
    this.#deaf = false;
    this.#path.runUntil(this.#clock.now());
    const due = this.#due;
    this.#due = [];
    for (const task of due) {
      if (!this.#over) task();
    }
    this.#rearm();
  }

  /** Wakes the sender's clock when something happens on the path. */
  #rearm(): void {
    const next = this.#due.length > 0 ? this.#path.now() : this.#path.nextTimer;
    this.#wake?.cancel();
    this.#wake = undefined;
    if (next === null || this.#over || this.#deaf) return;
    this.#wake = this.#clock.timer(Math.max(0, next - this.#clock.now()), () => this.#deliver());
  }
}

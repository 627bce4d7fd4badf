/** The window of every new connection, and its floor, bytes. */
export const SMALLEST_WINDOW: number = 64 * 1024;
/** After this long with nothing in flight the window is the smallest again, ms. */
const IDLE_MS = 1000;
/** A round trip this short always counts as quick, ms. */
const QUICK_MS = 10;
/** A base older than this is renewed before a slow round trip is believed, ms. */
const BASE_MS = 10_000;
/** The longest way between two fences, bytes. */
const LONGEST_QUARTER = 1024 * 1024;

/** What the window needs to know of a fence. */
export interface WindowFence {
  /** When it was handed over, ms. */
  readonly time: number;
  /** Bytes in flight when it was handed over, those right before it included. */
  readonly inFlight: number;
  /** Whether those bytes are a single frame: its round trip then counts for the base, however long the frame. */
  readonly alone: boolean;
  /** Bytes of messages handed over on this connection before it. */
  readonly handedOver: number;
  /** Whether the window stopped the writer right behind this fence. */
  readonly stopped: boolean;
}

/**
 * How many bytes may be handed over unconfirmed. Small, so that little is in doubt when the link dies; large enough that the link is never
 * idle for want of PONGs. The law (docs/DESIGN.md section 3, Window) was chosen among four by simulation and on real sockets: change it only
 * with the acceptance table at hand. Pure: it reads no clock.
 */
export class Window {
  readonly #cap: number;
  #size = SMALLEST_WINDOW;
  #base = { roundTrip: 0, at: -Infinity };
  #changedAt = -Infinity;
  #idleSince: number | null = 0;
  #renewing = false;
  /** The poison rule holds: so many bytes, or one frame, and nothing more before the PONG. */
  #probe: number | null = null;

  /** @param cap `maxInFlight`: the window's largest size, bytes. */
  constructor(cap: number) {
    this.#cap = cap;
  }

  get size(): number {
    return this.#probe ?? this.#size;
  }

  /** Whether the window is smaller than the law would have it: every frame counts then. */
  get probing(): boolean {
    return this.#probe !== null;
  }

  /** Bytes after which a fence is due. */
  get quarter(): number {
    return Math.min(this.size / 4, LONGEST_QUARTER);
  }

  /**
   * A new connection: nothing is known of its link.
   * @param probe the window until `lift()`, bytes, below the smallest one: with nothing in flight one frame of any length may go
   */
  opened(now: number, probe?: number): void {
    this.#probe = probe === undefined || probe >= SMALLEST_WINDOW ? null : probe;
    this.#size = SMALLEST_WINDOW;
    this.#base = { roundTrip: 0, at: -Infinity };
    this.#changedAt = -Infinity;
    this.#idleSince = now;
    this.#renewing = false;
  }

  /** What made the window so small is over. */
  lift(now: number): void {
    if (this.#probe === null) return;
    this.#probe = null;
    this.#changedAt = now;
  }

  /** How many more bytes may be handed over; with nothing in flight one frame of any length may. */
  room(inFlight: number, now: number): number {
    if (inFlight > 0) this.#idleSince = null;
    else if (this.#idleSince !== null && now - this.#idleSince >= IDLE_MS) this.#size = SMALLEST_WINDOW;
    if (this.#renewing && inFlight > SMALLEST_WINDOW) return 0;
    return Math.max(0, this.size - inFlight);
  }

  /**
   * Whether a fence is to go out at once because little enough is in flight to measure the link's own round trip. True once each time
   * the window waited for that.
   */
  renewal(inFlight: number): boolean {
    if (!this.#renewing || inFlight > SMALLEST_WINDOW) return false;
    this.#renewing = false;
    return true;
  }

  /**
   * A PONG confirmed `fence`.
   * @param waiting bytes in the log that were not handed over yet
   * @param handedOver bytes of messages handed over on this connection until now
   * @param inFlight bytes in flight now
   */
  confirmed(fence: WindowFence, now: number, waiting: number, handedOver: number, inFlight: number): void {
    if (inFlight === 0) this.#idleSince = now;
    const roundTrip = now - fence.time;
    if (fence.inFlight <= SMALLEST_WINDOW || fence.alone) this.#base = { roundTrip, at: now };
    if (this.#probe !== null) return;
    // At most one change a round trip: only fences sent under the present size say something about it.
    if (fence.time <= this.#changedAt) return;
    if (waiting >= this.#size) this.#grow(fence, roundTrip, now);
    else if (handedOver - fence.handedOver < this.#size / 3) this.#resize(this.#size / 2, now);
  }

  #grow(fence: WindowFence, roundTrip: number, now: number): void {
    if (!fence.stopped || this.#size >= this.#cap) return;
    if (roundTrip <= Math.max(QUICK_MS, 2 * this.#base.roundTrip)) this.#resize(this.#size * 2, now);
    else if (now - this.#base.at > BASE_MS) this.#renewing = true;
  }

  #resize(size: number, now: number): void {
    const next = Math.min(this.#cap, Math.max(SMALLEST_WINDOW, size));
    if (next === this.#size) return;
    this.#size = next;
    this.#changedAt = now;
  }
}

import { LARGEST_PIECE, longPieceBytes, MemoryPool, NO_PIECE, type Piece, SMALLEST_PIECE } from "../bytes/memory-pool.ts";
import { Cursor, type Place, still } from "./cursor.ts";
import { RemovedRanges } from "./removed.ts";
import { Slab } from "./slab.ts";

/** What a burst needed is kept up to this for the next one, bytes; see `ease()`. */
const BURST_BYTES = 64 * 1024 * 1024;
/** A frame longer than this has a slab of its own. */
const OWN_SLAB_BYTES = LARGEST_PIECE / 4;

/** Frames that lie side by side in one slab and have not ended. */
export interface LiveRun {
  readonly slab: Slab;
  readonly from: Place;
  readonly to: Place;
}

/**
 * The outbound log: a FIFO of encoded PUB and HPUB frames in a chain of slabs. Positions never change and frames are never moved.
 *
 * ```
 *       confirmed         written            sent               tail
 *           |  in flight     | to send again   |    buffered      |
 *  ─────────┴────────────────┴─────────────────┴──────────────────┴──▶ append
 * ```
 *
 * `sent` is the highest position ever handed over; it differs from `written` only while frames are sent again. What ended behind
 * `confirmed` is a removed range, skipped by everything.
 */
export class Log {
  readonly confirmed: Cursor;
  readonly written: Cursor;
  readonly sent: Cursor;
  readonly removed: RemovedRanges = new RemovedRanges();
  /** A running number: whenever it changes, what waits is held against the server's limits again. Frames are appended as respecting it. */
  limits = 0;
  readonly #pool: MemoryPool;
  #tail: Slab;
  /** The last slab before those of payloads kept by reference at the tail: its memory is gone on in behind them. */
  #open: Slab | null = null;
  /** The slab released last that is still in the chain. */
  #passed: Slab | null = null;
  #nextSlabBytes = SMALLEST_PIECE;

  /** @param poolBytes how much unused memory is kept for reuse, bytes: the window's largest size is enough without bursts. */
  constructor(poolBytes: number) {
    this.#pool = new MemoryPool(poolBytes, BURST_BYTES);
    // No memory before the first frame: an idle connection needs none.
    this.#tail = new Slab(NO_PIECE, 0, 0, 0);
    const start = { slab: this.#tail, position: 0, index: 0 };
    this.confirmed = new Cursor(start);
    this.written = new Cursor(start);
    this.sent = new Cursor(start);
  }

  /** The position behind the last frame. */
  get end(): number {
    return this.#tail.end;
  }

  /** How many frames were ever appended. */
  get endIndex(): number {
    return this.#tail.lastIndex;
  }

  get heldFrames(): number {
    return this.endIndex - this.confirmed.index - this.removed.frames;
  }

  get heldBytes(): number {
    return this.end - this.confirmed.position - this.removed.bytes;
  }

  /** Whether the frame that begins at `position` has not ended. */
  holds(position: number): boolean {
    return position >= this.confirmed.position && this.removed.covering(position) === undefined;
  }

  /** What has not ended from `place` on. */
  bufferedFrom(place: Place): { frames: number; bytes: number } {
    const gone = this.removed.between(place.position, this.end);
    return { frames: this.endIndex - place.index - gone.frames, bytes: this.end - place.position - gone.bytes };
  }

  tail(): Place {
    return { slab: this.#tail, position: this.#tail.end, index: this.#tail.lastIndex };
  }

  /** The slab whose memory has room for `bytes` behind `used`. Nothing is appended until `commit()`. */
  reserve(bytes: number): Slab {
    const slab = this.#tail;
    return slab.room >= bytes ? slab : this.#extend(bytes);
  }

  /** A slab for a payload that is kept by reference, behind the `head` of its frame. It is not in the log before `commit()`. */
  refer(head: Piece, payload: Uint8Array): Slab {
    return new Slab(head, this.#tail.end, this.#tail.lastIndex, this.limits, payload);
  }

  /** Appends the frame of `bytes` bytes that was encoded behind `used` of the slab last reserved, or made by `refer()`. */
  commit(slab: Slab, bytes: number, headers: boolean): void {
    if (slab !== this.#tail) this.#linkReferring(slab);
    slab.commit(bytes, headers);
  }

  /** Everything before `place` has ended; its memory is free. */
  confirmTo(place: Place): void {
    this.#confirmTo(place);
    if (this.written.position < this.confirmed.position) this.written.moveTo(this.confirmed);
    if (this.sent.position < this.written.position) this.sent.moveTo(this.written);
    this.#skipEnded();
  }

  /** The connection ended: what was handed over on it and is still held waits again. */
  rewind(): void {
    this.written.moveTo(this.confirmed);
    // Limits that were announced while these frames were in flight were not held against them.
    this.limits++;
  }

  /** Frames `[from, to)`, none of them in flight on this connection, have ended: nothing will send them. */
  remove(first: Place, to: Place): void {
    // What lies before `confirmed` has ended, and its removed ranges are forgotten.
    const from = first.position < this.confirmed.position ? this.confirmed : first;
    if (from.position >= to.position) return;
    for (const run of this.liveRuns(from, to)) {
      run.slab.endFrames(run.to.index - run.from.index);
      if (run.slab.dead && this.#isClosed(run.slab)) this.#free(run.slab);
    }
    const range = this.removed.add(from, to);
    // Two ranges that became one may have met where a cursor stands; none may stand inside of one.
    for (const cursor of [this.written, this.sent]) {
      if (cursor.position > range.from.position && cursor.position < range.to.position) cursor.moveTo(range.to);
    }
    this.#skipEnded();
  }

  /** Moves `written` over removed ranges to the next frame that is to be sent. */
  skipRemoved(): void {
    for (;;) {
      const range = this.removed.covering(this.written.position);
      if (range === undefined) return;
      this.written.moveTo(range.to);
      if (this.sent.position < this.written.position) this.sent.moveTo(this.written);
    }
  }

  /** The frames of `[from, to)` that have not ended, a run for each slab and each gap. */
  *liveRuns(from: Place, to: Place): IterableIterator<LiveRun> {
    const at = new Cursor(from.position < this.confirmed.position ? this.confirmed : from);
    at.forward();
    while (at.position < to.position) {
      const covering = this.removed.covering(at.position);
      if (covering !== undefined) {
        at.moveTo(covering.to);
        continue;
      }
      const slab = at.slab;
      const end = this.#runEnd(at, to);
      yield { slab, from: { slab, position: at.position, index: at.index }, to: end };
      at.moveTo(end);
    }
  }

  /** The end of the frame that begins at `place`. */
  afterFrame(place: Place): Place {
    const slab = place.slab;
    const position = slab.start + slab.frameEnd(place.position - slab.start);
    return { slab, position, index: place.index + 1 };
  }

  /** The last frame of a run that lies in one slab without a gap. */
  lastFrame(from: Place, to: Place): Place {
    let frame = still(from);
    for (let next = frame; next.position < to.position; next = this.afterFrame(next)) frame = next;
    return frame;
  }

  /** Releases a slab that was kept only to hand frames back. */
  unpin(slab: Slab): void {
    slab.unpin();
    const ended = slab.dead || slab.end <= this.confirmed.position;
    if (ended && this.#isClosed(slab)) this.#free(slab);
  }

  /** Whether more memory is kept for reuse than a connection needs that is sent what it is given. */
  get hasSpare(): boolean {
    return this.#pool.hasSurplus;
  }

  /** A second has passed: lets go of some of the memory that it did not need. */
  ease(): void {
    this.#pool.ease();
  }

  /** Nothing was held for a while: no memory until the next frame, and small slabs then. */
  shrink(): void {
    this.#pool.trim();
    this.#nextSlabBytes = SMALLEST_PIECE;
    if (this.heldFrames > 0 || this.#tail.used === 0) return;
    this.#open = null;
    this.#link(new Slab(NO_PIECE, this.#tail.end, this.#tail.lastIndex, this.limits));
    this.#pool.trim();
  }

  #extend(bytes: number): Slab {
    const { end, lastIndex } = this.#tail;
    const next =
      this.#open !== null && this.#open.room >= bytes
        ? this.#open.goOn(end, lastIndex, this.limits)
        : new Slab(this.#pool.take(this.#slabBytesFor(bytes)), end, lastIndex, this.limits);
    this.#open = null;
    this.#link(next);
    return next;
  }

  #linkReferring(next: Slab): void {
    if (!this.#tail.referring) this.#open = this.#tail;
    this.#link(next);
  }

  #link(next: Slab): void {
    this.#tail.next = next;
    this.#tail = next;
    // Cursors that waited at the end of the old slab stand at the beginning of the new one.
    for (const cursor of [this.written, this.sent]) cursor.forward();
    this.#confirmTo(this.confirmed);
  }

  #slabBytesFor(bytes: number): number {
    if (bytes > OWN_SLAB_BYTES) return longPieceBytes(bytes);
    let size = this.#nextSlabBytes;
    while (size < bytes) size *= 2;
    this.#nextSlabBytes = Math.min(LARGEST_PIECE, size * 2);
    return size;
  }

  #runEnd(at: Place, to: Place): Place {
    const slab = at.slab;
    const gap = this.removed.nextFrom(at.position)?.from;
    let end: Place = { slab, position: slab.end, index: slab.lastIndex };
    for (const limit of [gap, to]) {
      if (limit !== undefined && limit.position < end.position) end = { slab, position: limit.position, index: limit.index };
    }
    return end;
  }

  /** Ranges that begin where `confirmed` stands are no holes any more: the log begins behind them. */
  #skipEnded(): void {
    for (;;) {
      const range = this.removed.covering(this.confirmed.position);
      if (range === undefined) return;
      if (this.written.position < range.to.position) this.written.moveTo(range.to);
      if (this.sent.position < range.to.position) this.sent.moveTo(range.to);
      this.#confirmTo(range.to);
    }
  }

  #confirmTo(place: Place): void {
    const target = new Cursor(place);
    target.forward();
    if (target.slab !== this.confirmed.slab) this.#pass(target.slab);
    // A payload that nobody needs any more is let go of at once, also at the tail.
    if (target.slab.referring && target.position === target.slab.end && target.slab.frames > 0) this.#free(target.slab);
    this.confirmed.moveTo(target);
    this.removed.release(target.position);
  }

  /**
   * Releases the slabs before `until`, and takes them out of the chain: a dead slab that has grown old would make the garbage collector
   * copy all that follow it. Only the last of them stays until the next time: places at its end may still name it.
   */
  #pass(until: Slab): void {
    const last = this.#passed;
    if (last !== null && last.end < until.start) last.next = null;
    for (let slab: Slab | null = this.confirmed.slab; slab !== null && slab !== until; ) {
      const { next }: Slab = slab;
      this.#free(slab);
      if (slab.end < until.start) slab.next = null;
      else this.#passed = slab;
      slab = next;
    }
  }

  /** Whether no frame can follow in it. */
  #isClosed(slab: Slab): boolean {
    return slab !== this.#tail || slab.referring;
  }

  #free(slab: Slab): void {
    if (slab.pinned || slab.memory.length === 0) return;
    this.#pool.give(slab.takeMemory());
  }
}

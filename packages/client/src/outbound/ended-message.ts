import type { UndeliveredState } from "../errors.ts";
import type { DecodedFrame } from "../protocol/frame.ts";
import type { LiveRun, Log } from "./log.ts";
import type { Slab } from "./slab.ts";

/** A message that ended other than confirmed, with its headers as they stood on the wire. */
export interface EndedMessage {
  readonly subject: string;
  readonly reply: string | undefined;
  /** The `NATS/1.0` block. */
  readonly headers: Uint8Array | undefined;
  /** A copy, or the very bytes of its caller that it asked not to be copied. */
  readonly data: Uint8Array;
  readonly state: UndeliveredState;
  readonly error: Error | undefined;
  /** Since it was accepted, ms. */
  readonly ageMs: number;
}

/** What is known of a frame that ended, as a message. */
export function endedMessage(
  frame: DecodedFrame,
  state: UndeliveredState,
  error: Error | undefined,
  ageMs: number,
): EndedMessage {
  const { subject, reply, headers, data } = frame;
  return { subject, reply, headers, data, state, error, ageMs };
}

/** Frames of the log, side by side in one slab, that ended and are still to be given to somebody. Their slab stays pinned until the last was. */
export class EndedRun {
  readonly #slab: Slab;
  readonly #state: UndeliveredState;
  readonly #error: Error | undefined;
  #next: number;
  #to: number;

  /** Pins the slab: to be made before the frames are removed from the log. */
  constructor(run: LiveRun, state: UndeliveredState, error: Error | undefined) {
    this.#slab = run.slab;
    this.#state = state;
    this.#error = error;
    this.#next = run.from.position;
    this.#to = run.to.position;
    run.slab.pin();
  }

  /** The position of the next frame to be given. */
  get next(): number {
    return this.#next;
  }

  /** Whether every frame was given. */
  get isDone(): boolean {
    return this.#next >= this.#to;
  }

  /** Takes in frames that lie right behind these and ended in the same way. False: they do not. */
  extend(run: LiveRun, state: UndeliveredState, error: Error | undefined): boolean {
    const isNext = run.slab === this.#slab && run.from.position === this.#to && !this.isDone;
    if (!isNext || state !== this.#state || error !== this.#error) return false;
    this.#to = run.to.position;
    return true;
  }

  /** The next frame as a message; `ageAt` tells how old the frame at a position is, ms. Behind the last frame the slab is let go. */
  take(log: Log, ageAt: (position: number) => number): EndedMessage {
    const frame = this.#slab.decode(this.#next - this.#slab.start);
    const message = endedMessage(frame, this.#state, this.#error, ageAt(this.#next));
    this.#next = this.#slab.start + frame.end;
    if (this.isDone) log.unpin(this.#slab);
    return message;
  }
}

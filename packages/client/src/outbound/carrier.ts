import { serverErrorKind } from "../protocol/server-error.ts";
import { windowedBytes } from "./in-flight.ts";
import type { OutboundParts } from "./parts.ts";
import type { Settlings } from "./settling.ts";
import type { Sink } from "./sink.ts";

/** The connection's side of the outbound log: everything that its beginning, its end and what comes in on it mean. */
export class Carrier {
  readonly #parts: OutboundParts;
  readonly #settlings: Settlings;
  /** A planned move waits for what is in flight. */
  #leaving: (() => void) | undefined;

  constructor(parts: OutboundParts, settlings: Settlings) {
    this.#parts = parts;
    this.#settlings = settlings;
  }

  get attached(): boolean {
    return this.#parts.writer.attached;
  }

  /** Whether messages can go out now: attached, and the other end has not been silent for a second. */
  get usable(): boolean {
    return this.attached && !this.#parts.stall.slow;
  }

  attach(sink: Sink, maxPayload: number, headers: boolean, first: Uint8Array): void {
    const { screen, writer, stall, poison, backlog, backpressure, turn, admission } = this.#parts;
    screen.announced(maxPayload, headers);
    writer.attach(sink, first, poison.start);
    stall.attached();
    backlog.attached(admission.held);
    backpressure.eased(this.usable);
    this.#settlings.connected(true);
    turn.pump();
  }

  detach(): void {
    if (!this.attached) return;
    const { connectionEnd, refusals, flushes, stall, backlog, backpressure } = this.#parts;
    this.#leaving = undefined;
    connectionEnd.run();
    refusals.clear();
    flushes.detached();
    stall.detached();
    backlog.detached();
    backpressure.eased(false);
    this.#parts.release();
    this.#settlings.connected(false);
  }

  refused(text: string, error: Error): void {
    if (!this.attached) return;
    const { refusals, poison, writer, fences, turn } = this.#parts;
    if (serverErrorKind(text) !== "frame") {
      refusals.note(text, error);
      return;
    }
    poison.complained(error);
    writer.hold("complaint");
    // If the server goes on all the same, this is how we learn of it.
    fences.force();
    turn.begin();
  }

  leave(done: () => void): void {
    if (!this.attached) return;
    this.#leaving = done;
    this.#parts.writer.hold("move");
    this.#parts.fences.force();
    if (!this.#left()) this.#parts.turn.begin();
  }

  taken(): void {
    this.#parts.writer.taken();
    this.#parts.stall.taken();
    this.#parts.turn.pump();
    this.#left();
  }

  pong(): void {
    const { confirmation, backpressure, backlog, turn, idle, tally, expiry, admission, log } = this.#parts;
    const fence = confirmation.pong();
    if (fence !== undefined) {
      this.#parts.release();
      for (const onPong of fence.onPong) onPong();
      backpressure.eased(this.usable);
      backlog.check();
      const isEmpty = admission.heldMessages === 0;
      if (isEmpty) expiry.stop();
      if (isEmpty || log.hasSpare) idle.arm(tally.accepted);
    }
    // Not at once: a chunk of inbound bytes often holds many PONGs.
    turn.begin();
    this.#left();
  }

  /** Whether a planned move has nothing to wait for any more; then it is told so. */
  #left(): boolean {
    const done = this.#leaving;
    const { log, items, writer } = this.#parts;
    if (done === undefined || writer.busy || windowedBytes(log, items) > 0) return false;
    this.#leaving = undefined;
    done();
    return true;
  }
}

import type { Runtime } from "../runtime.ts";
import type { Tally } from "./counts.ts";
import type { Fence, Fences } from "./fences.ts";
import { windowedBytes } from "./in-flight.ts";
import type { Items } from "./items.ts";
import type { Log } from "./log.ts";
import type { Marks } from "./marks.ts";
import type { Poison } from "./poison.ts";
import type { Refusals } from "./refusals.ts";
import type { Stall } from "./stall.ts";
import type { Window } from "./window.ts";
import type { Writer } from "./writer.ts";

interface Parts {
  readonly log: Log;
  readonly items: Items;
  readonly marks: Marks;
  readonly tally: Tally;
  readonly fences: Fences;
  readonly window: Window;
  readonly writer: Writer;
  readonly refusals: Refusals;
  readonly poison: Poison;
  readonly stall: Stall;
}

/** What a PONG means: everything handed over before its PING was read by the server, and is confirmed unless the server refused it. */
export class Confirmation {
  readonly #parts: Parts;
  readonly #runtime: Runtime;

  constructor(parts: Parts, runtime: Runtime) {
    this.#parts = parts;
    this.#runtime = runtime;
  }

  /** A PONG. Returns the fence that it answers; one that no PING asked for is ignored. */
  pong(): Fence | undefined {
    const { fences, log, items, tally, refusals, stall, marks } = this.#parts;
    const fence = fences.shift();
    if (fence === undefined) return undefined;
    const now = this.#runtime.now();
    const rejected = refusals.settle(fence.place, fence.itemSeq);
    const { confirmed, removed } = log;
    if (fence.place.position > confirmed.position) {
      const gone = removed.between(confirmed.position, fence.place.position);
      tally.confirmed += fence.place.index - confirmed.index - gone.frames - rejected;
      // What ended otherwise was told before.
      marks.resolve(confirmed.position, fence.place.position);
      log.confirmTo(fence.place);
    }
    tally.confirmed += items.confirm(fence.itemSeq);
    stall.confirmed(now - fence.time, now);
    this.#believe(fence, now);
    return fence;
  }

  /** What the round trip says about the link, and the server about what we send. */
  #believe(fence: Fence, now: number): void {
    const { fences, log, items, writer, poison } = this.#parts;
    const flying = windowedBytes(log, items);
    this.#parts.window.confirmed(fence, now, log.end - log.written.position, fences.handedOver, flying);
    if (this.#parts.window.renewal(flying)) fences.renew();
    // The server goes on although it said that it would not.
    poison.goesOn();
    writer.release("complaint");
    if (fence.handedOver > 0 && poison.confirmed()) this.#parts.window.lift(now);
  }
}

import type { Delivery } from "../options.ts";
import type { Runtime } from "../runtime.ts";
import { type Place, still } from "./cursor.ts";
import type { Endings } from "./endings.ts";
import type { Expiry } from "./expiry.ts";
import type { Items } from "./items.ts";
import type { Log } from "./log.ts";
import type { Mark, Marks } from "./marks.ts";
import type { Culprit, Poison } from "./poison.ts";
import type { Writer } from "./writer.ts";

interface Parts {
  readonly log: Log;
  readonly items: Items;
  readonly marks: Marks;
  readonly endings: Endings;
  readonly expiry: Expiry;
  readonly poison: Poison;
  readonly writer: Writer;
}

/** What becomes of what was in flight when a connection ends: it ends in doubt, or waits to be sent again. */
export class ConnectionEnd {
  readonly #delivery: Delivery;
  readonly #parts: Parts;
  readonly #runtime: Runtime;

  /** @param delivery the connection's; a mark may say otherwise */
  constructor(delivery: Delivery, parts: Parts, runtime: Runtime) {
    this.#delivery = delivery;
    this.#parts = parts;
    this.#runtime = runtime;
  }

  /** To be called once for each connection, before anything else learns that it is over. */
  run(): void {
    const { log, items, endings, expiry, poison, writer, marks } = this.#parts;
    const verdict = poison.ended();
    writer.detach();
    if (verdict !== undefined) this.#setAside(verdict.culprit, verdict.error);
    this.#doubt();
    for (const item of items.detach()) endings.item(item, "inDoubt");
    log.rewind();
    const now = this.#runtime.now();
    expiry.rewound(now);
    for (const mark of marks.between(log.sent.position, Infinity)) {
      if (mark.bound || mark.cancelled) this.#end(mark);
    }
    expiry.run(now);
    expiry.arm(now);
  }

  #setAside(culprit: Culprit, error: Error): void {
    const { log, items, endings } = this.#parts;
    if (culprit.kind === "frame") {
      endings.removed(culprit.place, log.afterFrame(culprit.place), "rejected", error);
      return;
    }
    // It may have been taken back, and wait again.
    if (items.cancel(culprit.item.seq) === undefined) items.end(culprit.item);
    endings.item(culprit.item, "rejected", error);
  }

  /** What was ever handed over whole, and is not to be sent again. */
  #doubt(): void {
    const { log, marks } = this.#parts;
    const to = still(log.sent);
    let from = still(log.confirmed);
    for (const mark of marks.between(from.position, to.position)) {
      if (!log.holds(mark.place.position)) continue;
      const byDefault = mark.bound ? "at-most-once" : this.#delivery;
      const again = (mark.delivery ?? byDefault) === "at-least-once";
      if (again === (this.#delivery === "at-least-once")) continue;
      // The frames before this one are as the connection's level says, this one is not.
      const after = log.afterFrame(mark.place);
      if (again) this.#inDoubt(from, mark.place);
      else this.#inDoubt(mark.place, after);
      from = after;
    }
    if (this.#delivery === "at-most-once") this.#inDoubt(from, to);
  }

  #inDoubt(from: Place, to: Place): void {
    if (from.position < to.position) this.#parts.endings.removed(from, to, "inDoubt");
  }

  /** Unless it ended. */
  #end(mark: Mark): void {
    const { log, endings } = this.#parts;
    if (log.holds(mark.place.position)) endings.removed(mark.place, log.afterFrame(mark.place), "expired");
  }
}

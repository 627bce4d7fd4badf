import type { Endings } from "./endings.ts";
import type { Items } from "./items.ts";
import type { Log } from "./log.ts";
import type { Marks } from "./marks.ts";

interface Parts {
  readonly log: Log;
  readonly items: Items;
  readonly marks: Marks;
  readonly endings: Endings;
}

/** Takes back what is buffered: requests that nobody waits for any more, or everything. */
export class Withdrawal {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** See `Outbound.expire()`. A request in the log goes by its position, one beside it by its number, negative. */
  expire(request: number): void {
    const { log, items, marks, endings } = this.#parts;
    if (request < 0) {
      const item = items.cancel(-request);
      if (item !== undefined) endings.item(item, "expired");
      return;
    }
    const mark = marks.at(request);
    if (mark === undefined || mark.cancelled) return;
    mark.cancelled = true;
    if (this.holds(request)) endings.removed(mark.place, log.afterFrame(mark.place), "expired");
  }

  /** See `Outbound.holds()`. */
  holds(request: number): boolean {
    const { log, items } = this.#parts;
    return request < 0 ? items.waits(-request) : request >= log.sent.position && log.holds(request);
  }

  /** See `Outbound.purge()`. */
  purge(): number {
    const { log, items, endings } = this.#parts;
    const buffered = log.bufferedFrom(log.sent).frames;
    if (buffered > 0) endings.removed(log.sent, log.tail(), "abandoned");
    const requests = items.purge();
    for (const item of requests) endings.item(item, "abandoned");
    return buffered + requests.length;
  }
}

import type { Tally } from "./counts.ts";
import type { Place } from "./cursor.ts";
import type { Endings } from "./endings.ts";
import type { Items, MessageItem } from "./items.ts";
import type { Log } from "./log.ts";

/**
 * The last item of a chunk: what was not handed over whole if the connection dies while the chunk is outstanding. For frames of the log,
 * the place where their run began: the last of them is found by walking from there.
 */
export type LastItem =
  | { readonly kind: "control" }
  /** `sent`: the position up to which an earlier connection had them. */
  | { readonly kind: "frames"; readonly from: Place; readonly to: Place; readonly sent: number }
  | { readonly kind: "item"; readonly item: MessageItem };

interface Parts {
  readonly log: Log;
  readonly items: Items;
  readonly endings: Endings;
  readonly tally: Tally;
}

/** A connection died while a chunk was outstanding: its last item was not handed over whole, and waits again. */
export class PutBack {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  run(last: LastItem): void {
    const { log, items, endings, tally } = this.#parts;
    switch (last.kind) {
      case "control":
        return;
      case "item":
        if (!items.takeBack(last.item)) endings.item(last.item, "expired");
        return;
      case "frames": {
        const frame = log.lastFrame(last.from, last.to);
        // An earlier connection may have had the frame whole: then it was sent, and stays so.
        if (frame.position >= last.sent) log.sent.moveTo(frame);
        else tally.resent--;
        log.written.moveTo(frame);
        return;
      }
    }
  }
}

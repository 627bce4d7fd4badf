import { frameAddress } from "../protocol/frame.ts";
import { parsePublishRefusal } from "../protocol/publish-refusal.ts";
import type { Place } from "./cursor.ts";
import type { Endings } from "./endings.ts";
import type { Items, MessageItem } from "./items.ts";
import type { Log } from "./log.ts";
import type { Marks } from "./marks.ts";

/** How often a name was refused since the last PONG, and with which error first. */
interface Refused {
  count: number;
  readonly error: Error;
}

/** A message between two fences that carries a refused name. */
type Suspect =
  | { readonly kind: "frame"; readonly place: Place; readonly end: Place }
  | { readonly kind: "item"; readonly item: MessageItem };

interface Parts {
  readonly log: Log;
  readonly items: Items;
  readonly marks: Marks;
  readonly endings: Endings;
}

/**
 * Matches the server's refusals with the messages between two fences. It sends one `-ERR` for each refused message, in order, before the
 * PONG; so if as many name a subject as there are messages to it, they are all refused. Otherwise (subject mapping, permissions that
 * changed in between) it cannot be said which.
 */
export class Refusals {
  readonly #log: Log;
  readonly #items: Items;
  readonly #marks: Marks;
  readonly #endings: Endings;
  readonly #subjects = new Map<string, Refused>();
  readonly #replies = new Map<string, Refused>();

  constructor(parts: Parts) {
    this.#log = parts.log;
    this.#items = parts.items;
    this.#marks = parts.marks;
    this.#endings = parts.endings;
  }

  /** An `-ERR`, with nats-core's error for it. */
  note(text: string, error: Error): void {
    const refusal = parsePublishRefusal(text);
    if (refusal === undefined) return;
    const refused = refusal.of === "subject" ? this.#subjects : this.#replies;
    const known = refused.get(refusal.name);
    if (known === undefined) refused.set(refusal.name, { count: 1, error });
    else known.count++;
  }

  /**
   * A PONG confirms the frames of the log from `confirmed` to `to`, and the messages beside the log up to `itemSeq`: those that were refused
   * end now. Returns how many frames of the log that were.
   */
  settle(to: Place, itemSeq: number): number {
    if (this.#subjects.size + this.#replies.size === 0) return 0;
    const suspects = this.#suspects(to, itemSeq);
    let frames = 0;
    let error: Error | undefined;
    for (const [refused, found] of suspects) {
      if (found.length !== refused.count) {
        error ??= refused.error;
        continue;
      }
      for (const suspect of found) if (this.#reject(suspect, refused.error)) frames++;
    }
    if (error !== undefined) this.#doubt(to, error);
    this.clear();
    return frames;
  }

  /** The connection ended: refusals whose PONG never came decide nothing. */
  clear(): void {
    this.#subjects.clear();
    this.#replies.clear();
  }

  #suspects(to: Place, itemSeq: number): Map<Refused, Suspect[]> {
    const suspects = new Map<Refused, Suspect[]>();
    for (const refused of [...this.#subjects.values(), ...this.#replies.values()]) suspects.set(refused, []);
    const suspect = (subject: string, reply: string | undefined, found: Suspect): void => {
      // The server looks at the subject first, and refuses a message once.
      const refused = this.#subjects.get(subject) ?? (reply === undefined ? undefined : this.#replies.get(reply));
      if (refused !== undefined) suspects.get(refused)?.push(found);
    };
    for (const { slab, from, to: end } of this.#log.liveRuns(this.#log.confirmed, to)) {
      for (let place = from; place.position < end.position; ) {
        const frame = frameAddress(slab.memory, place.position - slab.start);
        const next = { slab, position: slab.start + frame.end, index: place.index + 1 };
        suspect(frame.subject, frame.reply, { kind: "frame", place, end: next });
        place = next;
      }
    }
    for (const item of this.#items.inFlightUpTo(itemSeq)) {
      const { subject, reply } = frameAddress(item.frame, 0);
      suspect(subject, reply, { kind: "item", item });
    }
    return suspects;
  }

  #reject(suspect: Suspect, error: Error): boolean {
    if (suspect.kind === "frame") {
      this.#endings.passed(suspect.place, suspect.end, "rejected", error);
      return true;
    }
    this.#items.end(suspect.item);
    this.#endings.item(suspect.item, "rejected", error);
    return false;
  }

  /** Any message between these fences may be the one: whoever waits for one of them is told so. */
  #doubt(to: Place, error: Error): void {
    for (const mark of this.#marks.between(this.#log.confirmed.position, to.position)) {
      mark.settle?.reject(error);
      mark.settle = undefined;
    }
  }
}

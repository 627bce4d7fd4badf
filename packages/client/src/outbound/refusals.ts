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

/** A message between two fences that carries a refused name; `position`: where in the log it was accepted. */
type Suspect = { readonly position: number; readonly refused: Refused } & (
  | { readonly kind: "frame"; readonly place: Place; readonly end: Place }
  | { readonly kind: "item"; readonly item: MessageItem }
);

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
  /** Undefined while nothing was refused, as mostly: an empty map costs a quarter of a kilobyte. */
  #subjects: Map<string, Refused> | undefined;
  #replies: Map<string, Refused> | undefined;

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
    if (refusal.of === "subject") this.#subjects ??= new Map();
    else this.#replies ??= new Map();
    const refused = refusal.of === "subject" ? this.#subjects : this.#replies;
    const known = refused?.get(refusal.name);
    if (known === undefined) refused?.set(refusal.name, { count: 1, error });
    else known.count++;
  }

  /**
   * A PONG confirms the frames of the log from `confirmed` to `to`, and the messages beside the log up to `itemSeq`: those that were refused
   * end now. Returns how many frames of the log that were.
   */
  settle(to: Place, itemSeq: number): number {
    if (this.#subjects === undefined && this.#replies === undefined) return 0;
    const suspects = this.#suspects(to, itemSeq);
    const found = new Map<Refused, number>();
    for (const { refused } of suspects) found.set(refused, (found.get(refused) ?? 0) + 1);
    let frames = 0;
    for (const suspect of suspects) {
      if (found.get(suspect.refused) === suspect.refused.count && this.#reject(suspect)) frames++;
    }
    const all = [...(this.#subjects?.values() ?? []), ...(this.#replies?.values() ?? [])];
    const unclear = all.find((each) => found.get(each) !== each.count);
    if (unclear !== undefined) this.#doubt(to, unclear.error);
    this.clear();
    return frames;
  }

  /** The connection ended: refusals whose PONG never came decide nothing. */
  clear(): void {
    this.#subjects = undefined;
    this.#replies = undefined;
  }

  /** In the order in which they were accepted. */
  #suspects(to: Place, itemSeq: number): Suspect[] {
    const suspects: Suspect[] = [];
    for (const { slab, from, to: end } of this.#log.liveRuns(this.#log.confirmed, to)) {
      for (let place = from; place.position < end.position; ) {
        const { subject, reply, end: offset } = slab.address(place.position - slab.start);
        const next = { slab, position: slab.start + offset, index: place.index + 1 };
        const refused = this.#refused(subject, reply);
        if (refused !== undefined) suspects.push({ kind: "frame", position: place.position, refused, place, end: next });
        place = next;
      }
    }
    const inLog = suspects.length;
    for (const item of this.#items.inFlightUpTo(itemSeq)) {
      const { subject, reply } = frameAddress(item.frame, 0);
      const refused = this.#refused(subject, reply);
      if (refused !== undefined) suspects.push({ kind: "item", position: item.spot.position, refused, item });
    }
    // One beside the log was accepted before the frame that begins where it stands.
    if (suspects.length > inLog) suspects.sort((a, b) => a.position - b.position || (a.kind === "item" ? -1 : 1));
    return suspects;
  }

  /** The server looks at the subject first, and refuses a message once. */
  #refused(subject: string, reply: string | undefined): Refused | undefined {
    return this.#subjects?.get(subject) ?? (reply === undefined ? undefined : this.#replies?.get(reply));
  }

  /** Whether it was a frame of the log. */
  #reject(suspect: Suspect): boolean {
    const { error } = suspect.refused;
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

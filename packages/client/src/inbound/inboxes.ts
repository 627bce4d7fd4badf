import { LazyMap } from "../bytes/lazy-map.ts";

/**
 * The inboxes that this connection listens to now: its subscriptions below the inbox prefix. The prefix alone proves nothing: who
 * passes messages on publishes with the inboxes of others, and those begin in the same way.
 *
 * A look-up costs a few searches in a map, and one comparison for a reply subject that does not begin with the prefix.
 */
export class Inboxes {
  /** With its dot. */
  readonly #prefix: string;
  /** How many subscriptions there are to each subject. */
  readonly #subjects = new LazyMap<string, number>();
  /** Where the last dot of the longest `….>` stands that there was, so that a reply of a thousand tokens costs no more than others. */
  #deepest = 0;
  /** What the last reply that was found has before its last token: the next one is mostly of the same inbox. */
  #lastStar = "";
  /** The same of the last `….>` that was found, with its dot. */
  #lastRest = "";

  constructor(prefix: string) {
    this.#prefix = `${prefix}.`;
  }

  add(subject: string): void {
    if (!subject.startsWith(this.#prefix)) return;
    this.#subjects.set(subject, (this.#subjects.get(subject) ?? 0) + 1);
    if (subject.endsWith(".>")) this.#deepest = Math.max(this.#deepest, subject.length - 2);
  }

  remove(subject: string): void {
    const count = this.#subjects.get(subject);
    if (count === undefined) return;
    if (count > 1) this.#subjects.set(subject, count - 1);
    else this.#subjects.delete(subject);
    if (this.#subjects.size === 0) this.#deepest = 0;
    this.#lastStar = "";
    this.#lastRest = "";
  }

  /**
   * Whether `reply` is one of them: the very subject of a subscription, or below one to `….*` or `….>`. Not below a wildcard right
   * behind the prefix (`_INBOX.>`): that listens to everybody's.
   */
  has(reply: string): boolean {
    if (this.#subjects.size === 0 || !reply.startsWith(this.#prefix)) return false;
    if (this.#lastRest !== "" && reply.startsWith(this.#lastRest)) return true;
    return this.#isBelowStar(reply) || this.#subjects.has(reply) || this.#isBelowRest(reply);
  }

  #isBelowStar(reply: string): boolean {
    const dot = reply.lastIndexOf(".");
    if (dot <= this.#prefix.length) return false;
    const star = this.#lastStar;
    if (star !== "" && star.length === dot && reply.startsWith(star)) return true;
    if (!this.#subjects.has(`${reply.slice(0, dot)}.*`)) return false;
    this.#lastStar = reply.slice(0, dot);
    return true;
  }

  #isBelowRest(reply: string): boolean {
    let dot = reply.indexOf(".", this.#prefix.length);
    while (dot > 0 && dot <= this.#deepest) {
      if (this.#subjects.has(`${reply.slice(0, dot)}.>`)) {
        this.#lastRest = reply.slice(0, dot + 1);
        return true;
      }
      dot = reply.indexOf(".", dot + 1);
    }
    return false;
  }
}

import { LazySet } from "../bytes/lazy-set.ts";
import { Mailbox } from "../inbound/mailbox.ts";

/** The most that wait for one listener. */
const KEPT = 1024;

/** One listener's view of a feed, for one reader. */
export interface FeedIterator<T> extends AsyncIterable<T> {
  /** How many it was not given because more than 1 024 waited. */
  readonly missed: number;
  /** Ends the iteration behind what already waits. */
  stop(error?: Error): void;
}

/** Hands everything to every listener. One that does not read keeps the newest 1 024: it cannot make the process grow. */
export class Feed<T extends object> {
  /** Undefined once the feed is closed. */
  #listeners: LazySet<Listener<T>> | undefined = new LazySet();

  /** How many listen. */
  get listeners(): number {
    return this.#listeners?.size ?? 0;
  }

  report(item: T): void {
    for (const listener of this.#listeners ?? []) listener.push(item);
  }

  /** Listens from now on. Of a closed feed: an iteration that ends at once. */
  listen(): FeedIterator<T> {
    const listener = new Listener<T>((ended) => this.#listeners?.delete(ended));
    if (this.#listeners === undefined) listener.stop();
    else this.#listeners.add(listener);
    return listener;
  }

  /** Every iteration ends behind what waits. */
  close(): void {
    const listeners = this.#listeners ?? [];
    this.#listeners = undefined;
    for (const listener of listeners) listener.stop();
  }
}

class Listener<T extends object> implements FeedIterator<T> {
  readonly #mailbox: Mailbox<T>;
  readonly #forget: (listener: Listener<T>) => void;
  #missed = 0;

  constructor(forget: (listener: Listener<T>) => void) {
    this.#forget = forget;
    this.#mailbox = new Mailbox<T>(() => forget(this));
  }

  get missed(): number {
    return this.#missed;
  }

  push(item: T): void {
    if (this.#mailbox.pending >= KEPT) {
      this.#mailbox.dropOldest();
      this.#missed++;
    }
    this.#mailbox.push(item);
  }

  stop(error?: Error): void {
    this.#forget(this);
    this.#mailbox.close(error);
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return this.#mailbox[Symbol.asyncIterator]();
  }
}

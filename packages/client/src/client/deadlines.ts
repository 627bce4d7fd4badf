import { LazyMap } from "../bytes/lazy-map.ts";
import type { Runtime, Timer } from "../runtime.ts";

/** What may be stopped. */
export type Deadline = Pick<Timer, "cancel">;

/**
 * `Runtime.timer()` for many short waits, nearly all of which are cancelled. Those of the same length end in the order they began, so each
 * length has a list and one timer for its first entry: a wait costs an object and a look at the clock, a tenth of a timer of its own. It
 * is as exact as that: never early, and late only by what the event loop is. Keeps the process alive while anything waits.
 */
export class Deadlines {
  readonly #runtime: Pick<Runtime, "now" | "timer">;
  readonly #lists = new LazyMap<number, DeadlineList>();

  constructor(runtime: Pick<Runtime, "now" | "timer">) {
    this.#runtime = runtime;
  }

  /** Runs `task` once, `delayMs` from now or later. */
  timer(delayMs: number, task: () => void): Deadline {
    let list = this.#lists.get(delayMs);
    if (list === undefined) {
      list = new DeadlineList(delayMs, this.#runtime, () => this.#lists.delete(delayMs));
      this.#lists.set(delayMs, list);
    }
    return list.add(task);
  }
}

/** Waits of one length: a ring of entries, the first one behind the head. */
class DeadlineList {
  readonly #delay: number;
  readonly #runtime: Pick<Runtime, "now" | "timer">;
  readonly #emptied: () => void;
  readonly #head: Entry = new Entry(this, 0, () => {});
  /** Runs while there are entries; at the first one's time, or at that of one before it which was cancelled. */
  #timer: Timer | undefined;

  constructor(delay: number, runtime: Pick<Runtime, "now" | "timer">, emptied: () => void) {
    this.#delay = delay;
    this.#runtime = runtime;
    this.#emptied = emptied;
  }

  add(task: () => void): Entry {
    const entry = new Entry(this, this.#runtime.now() + this.#delay, task);
    entry.link(this.#head);
    this.#timer ??= this.#runtime.timer(this.#delay, () => this.#due());
    return entry;
  }

  /** An entry was cancelled. */
  removed(): void {
    if (this.#head.next !== this.#head) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#emptied();
  }

  /** Runs what is due, each on its own: one that throws leaves the others waiting, for a timer of their own. */
  #due(): void {
    this.#timer = RUNNING;
    const now = this.#runtime.now();
    try {
      for (let first = this.#head.next; first !== this.#head && first.at <= now; first = this.#head.next) {
        first.unlink();
        first.run();
      }
    } finally {
      this.#goOn();
    }
  }

  #goOn(): void {
    // A task has cancelled all the others: the list is forgotten already.
    if (this.#timer === undefined) return;
    const first = this.#head.next;
    if (first !== this.#head) {
      this.#timer = this.#runtime.timer(first.at - this.#runtime.now(), () => this.#due());
      return;
    }
    this.#timer = undefined;
    this.#emptied();
  }
}

/** One wait. Linked to itself once it is over. */
class Entry implements Deadline {
  readonly at: number;
  next: Entry = this;
  #before: Entry = this;
  #task: (() => void) | undefined;
  readonly #list: DeadlineList;

  constructor(list: DeadlineList, at: number, task: () => void) {
    this.#list = list;
    this.at = at;
    this.#task = task;
  }

  /** Puts it in as the last one of the ring with this head. */
  link(head: Entry): void {
    const last = head.#before;
    this.next = head;
    this.#before = last;
    last.next = this;
    head.#before = this;
  }

  unlink(): void {
    this.#before.next = this.next;
    this.next.#before = this.#before;
    this.next = this;
    this.#before = this;
  }

  run(): void {
    const task = this.#task;
    this.#task = undefined;
    task?.();
  }

  cancel(): void {
    this.#task = undefined;
    if (this.next === this) return;
    this.unlink();
    this.#list.removed();
  }
}

/** Stands for the timer while what it was for is run. */
const RUNNING: Timer = { cancel: () => {}, keepAlive: () => {} };

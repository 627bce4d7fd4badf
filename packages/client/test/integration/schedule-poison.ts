import type { Entry } from "./schedule-entry.ts";
import type { Watch } from "./schedule-watch.ts";

/**
 * How much may be in flight after a connection that came to nothing: a part of what was in flight at its end, at least one frame. Behind a
 * fatal `-ERR` so long as anything is held that was in flight at it, else until a fence is confirmed. And nothing goes behind a fatal `-ERR`.
 */
export class Poison {
  readonly #entries: ReadonlyMap<number, Entry>;
  readonly #live: ReadonlySet<Entry>;
  readonly #fail: (what: string) => void;
  /** Connections on which a fatal `-ERR` came, and the message that was on its way then. */
  readonly #fatal = new Map<Watch, number | undefined>();
  /** Those that went on all the same. */
  readonly #forgiven = new WeakSet<Watch>();
  /** What was in flight at the last fatal `-ERR`. */
  #culprits: readonly Entry[] = [];
  /** Bytes; undefined for no such limit. */
  #window: number | undefined;

  constructor(entries: ReadonlyMap<number, Entry>, live: ReadonlySet<Entry>, fail: (what: string) => void) {
    this.#entries = entries;
    this.#live = live;
    this.#fail = fail;
  }

  fatal(watch: Watch): void {
    this.#fatal.set(watch, watch.begun);
  }

  /** A message was handed over whole. */
  handed(watch: Watch): void {
    const open = watch.sizes.slice(watch.confirmed);
    const bytes = open.reduce((sum, size) => sum + size, 0);
    if (this.#window !== undefined && open.length > 1 && bytes > this.#window)
      this.#fail(`${open.length} messages of ${bytes} bytes are in flight, behind a bad end ${this.#window} may be`);
    const isFatal = this.#fatal.has(watch) && !this.#forgiven.has(watch);
    if (isFatal && watch.handed.at(-1) !== this.#fatal.get(watch))
      this.#fail(`message ${watch.handed.at(-1)} was handed over behind a fatal -ERR on connection ${watch.index}`);
  }

  /** A PONG has come. */
  pong(watch: Watch): void {
    if (this.#fatal.has(watch)) this.#forgiven.add(watch);
    if (watch.proven && !this.#culprits.some((entry) => this.#live.has(entry))) this.#window = undefined;
  }

  left(watch: Watch): void {
    const ids = watch.handed.slice(watch.confirmed);
    if (watch.begun !== undefined) ids.push(watch.begun);
    const partly = watch.begun === undefined ? undefined : this.#entries.get(watch.begun)?.content;
    const rest = partly === undefined ? 0 : partly.bytes.length + partly.block.length + LONGEST_LINE;
    const bytes = watch.sizes.slice(watch.confirmed).reduce((sum, size) => sum + size, 0) + rest;
    if (ids.length === 0) return;
    const isFatal = this.#fatal.has(watch) && !this.#forgiven.has(watch);
    if (isFatal) this.#culprits = ids.flatMap((id) => this.#entries.get(id) ?? []);
    if (isFatal || !watch.proven) this.#window = Math.min(this.#window ?? Infinity, bytes / (isFatal ? 64 : 4));
  }
}

/** At least what a control line of these schedules and a message id take, bytes. */
const LONGEST_LINE = 300;

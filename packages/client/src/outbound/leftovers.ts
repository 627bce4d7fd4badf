import { Queue } from "../bytes/queue.ts";
import type { UndeliveredState } from "../errors.ts";
import type { Runtime } from "../runtime.ts";
import type { Ages } from "./ages.ts";
import { type EndedMessage, EndedRun } from "./ended-message.ts";
import type { LiveRun, Log } from "./log.ts";

/** Frames that ended at `time`, ms, or a message that never was in the log. */
type Entry =
  | { readonly kind: "run"; readonly run: EndedRun; readonly time: number }
  | { readonly kind: "message"; readonly message: EndedMessage };

/**
 * What `close()` or giving up left, for `nc.outbound.undelivered()`. All iterations share it: each message is given once, and one that
 * is left early leaves the rest to the next. Frames stay as they are in the log, and are decoded when they are asked for; what nobody
 * asks for stays in memory until the connection object is collected. That is at most what the limits allowed to be held.
 */
export class Leftovers implements AsyncIterable<EndedMessage> {
  readonly #log: Log;
  readonly #ages: Ages;
  readonly #runtime: Runtime;
  readonly #entries = new Queue<Entry>();
  /** What iterations wait for; undefined once nothing more will come. */
  #completion: { readonly promise: Promise<void>; readonly settle: () => void } | undefined = completion();

  constructor(log: Log, ages: Ages, runtime: Runtime) {
    this.#log = log;
    this.#ages = ages;
    this.#runtime = runtime;
  }

  /** The position of the oldest frame that is still to be given; `Infinity` if none is. */
  get oldest(): number {
    let oldest = Infinity;
    for (const entry of this.#entries) if (entry.kind === "run" && entry.run.next < oldest) oldest = entry.run.next;
    return oldest;
  }

  /** Takes in frames of the log, before they are removed from it. They end now: that is what `ageMs` tells, whenever it is read. */
  addRun(run: LiveRun, state: UndeliveredState, error: Error | undefined): void {
    this.#entries.push({ kind: "run", run: new EndedRun(run, state, error), time: this.#runtime.now() });
  }

  /** Takes in a message that is not in the log. */
  addMessage(message: EndedMessage): void {
    this.#entries.push({ kind: "message", message });
  }

  /** Nothing more will come: iterations end behind the last message. */
  complete(): void {
    this.#completion?.settle();
    this.#completion = undefined;
  }

  /** One begun before `complete()` waits for it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<EndedMessage, void, void> {
    for (;;) {
      const message = this.#take();
      if (message !== undefined) yield message;
      else if (this.#completion === undefined) return;
      else await this.#completion.promise;
    }
  }

  #take(): EndedMessage | undefined {
    const entry = this.#entries.peek();
    if (entry === undefined) return undefined;
    if (entry.kind === "message") {
      this.#entries.drop(1);
      return entry.message;
    }
    const { run, time } = entry;
    const message = run.take(this.#log, (position) => time - (this.#ages.timeAt(position) ?? time));
    if (run.isDone) this.#entries.drop(1);
    return message;
  }
}

function completion(): { readonly promise: Promise<void>; readonly settle: () => void } {
  let settle = (): void => {};
  const promise = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return { promise, settle };
}

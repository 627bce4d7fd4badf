import type { Runtime } from "../runtime.ts";
import type { Ages } from "./ages.ts";
import type { Expiry } from "./expiry.ts";
import type { Log } from "./log.ts";
import type { Stall } from "./stall.ts";
import type { Writer } from "./writer.ts";

/** A synchronous loop of publishes hands over what it has each time this much more waits, bytes: what is still in the cache is cheap to send. */
const INLINE_BYTES = 64 * 1024;

/** When things are handed over: at the end of each turn that asked for something, and in between when a turn appends much. */
export class Turn {
  readonly #log: Log;
  readonly #ages: Ages;
  readonly #expiry: Expiry;
  readonly #writer: Writer;
  readonly #stall: Stall;
  readonly #runtime: Runtime;
  readonly #finish: () => void;
  #begun = false;
  #pumpAt = 0;

  constructor(parts: { log: Log; ages: Ages; expiry: Expiry; writer: Writer; stall: Stall }, runtime: Runtime) {
    this.#log = parts.log;
    this.#ages = parts.ages;
    this.#expiry = parts.expiry;
    this.#writer = parts.writer;
    this.#stall = parts.stall;
    this.#runtime = runtime;
    this.#finish = () => {
      this.#begun = false;
      this.#expiry.arm(this.pump());
    };
  }

  /** Something is about to be appended or asked for. Reads the clock once a turn. */
  begin(): void {
    if (!this.#begun) this.#start();
  }

  /** A frame was appended. */
  appended(): void {
    const { end } = this.#log;
    if (end >= this.#pumpAt) this.#hurry(end);
  }

  /** Hands over now what can be handed over; nothing that is too old goes. Returns what the clock said: reading it costs as much as a publish. */
  pump(): number {
    const now = this.#runtime.now();
    this.#expiry.run(now);
    this.#writer.pump(now);
    this.#stall.watch(now);
    return now;
  }

  #start(): void {
    this.#begun = true;
    this.#ages.note(this.#log.tail(), this.#runtime.now());
    this.#runtime.defer(this.#finish);
  }

  #hurry(end: number): void {
    if (this.#writer.waits) return;
    this.#pumpAt = end + INLINE_BYTES;
    if (end - this.#log.written.position >= INLINE_BYTES) this.pump();
  }
}

import type { HoldfastConnection } from "../client/connection.ts";
import { JetStreamApiError } from "../errors.ts";
import type { Runtime } from "../runtime.ts";
import { DedupeWindow } from "./dedupe-window.ts";
import type { FastBatch } from "./fast-batch.ts";
import type { ResolvedStreamOptions } from "./options.ts";
import { countRefusal, type FastMessage, givenUp, storeState } from "./outstanding.ts";
import type { ApiErrorData } from "./pub-ack.ts";
import { isTemporary } from "./verdicts.ts";

/**
 * Messages in the order of publishing; those of the open batch that are not acknowledged are the first ones. What is left when some have
 * ended is what has to be sent, in order.
 *
 *   | sent in the open batch | waiting … |
 */
export class FastBacklog {
  readonly #runtime: Runtime;
  readonly #settled: (message: FastMessage) => void;
  readonly #window: DedupeWindow;
  #messages: FastMessage[] = [];
  /** Where the first one is: those before it have ended. */
  #head = 0;

  /** `settled` is told of each message that has ended, before its promise is. */
  constructor(nc: HoldfastConnection, options: ResolvedStreamOptions, runtime: Runtime, settled: (message: FastMessage) => void) {
    this.#runtime = runtime;
    this.#settled = settled;
    this.#window = new DedupeWindow(nc, options);
  }

  get length(): number {
    return this.#messages.length - this.#head;
  }

  push(message: FastMessage): void {
    this.#messages.push(message);
  }

  /** The first is at 0. */
  at(index: number): FastMessage | undefined {
    return this.#messages[this.#head + index];
  }

  /** Whether one of the first `count` goes to `subject`. */
  hasSentTo(subject: string, count: number): boolean {
    return this.#first(count).some((message) => message.subject === subject);
  }

  /** The stream has acknowledged something. */
  learn(stream: string): void {
    this.#window.learn(stream);
  }

  /** The first `count` are stored. */
  resolve(count: number): void {
    for (let i = 0; i < count; i++) {
      const message = this.#shift();
      if (message === undefined) return;
      this.#forget(message);
      message.resolve();
    }
  }

  /** The batch did not store the first `count`, which is certain: they wait again. An earlier copy of them may be stored. */
  takeBack(count: number): void {
    for (const message of this.#first(count)) {
      message.stage = "waiting";
      countRefusal(message, message.attempts);
    }
  }

  /** Of the first `count` it is not known whether they are stored: those with an id wait again, the others end so. */
  doubt(count: number, cause: Error, forbidden: FastBatch["forbidden"]): void {
    const sent = new Set(this.#first(count));
    for (const message of sent) message.stage = "waiting";
    if (forbidden !== undefined) this.#takeOut(({ subject }) => subject === forbidden.subject, forbidden.error);
    this.#takeOut((message) => sent.has(message) && message.msgID === undefined, cause);
    this.#takeOut((message) => sent.has(message) && ++message.retried > message.retries, cause);
  }

  /** The first `count` go again for some trouble; those that did too often end. */
  countRetry(count: number, cause: Error): void {
    const first = new Set(this.#first(count));
    this.#takeOut((message) => first.has(message) && ++message.retried > message.retries, cause);
  }

  /** The batch is over; the first message is not stored, for which there may be a reason. */
  judgeFirst({ refused, forbidden, acked }: FastBatch): void {
    const first = this.at(0);
    if (refused !== undefined && refused.sequence === acked + 1 && !isTemporary(refused.error)) {
      this.refuse(1, refused.error);
    } else if (forbidden !== undefined && first?.subject === forbidden.subject) {
      this.#takeOut((message) => message === first, forbidden.error);
    } else {
      this.countRetry(1, new Error("the stream stored the batch only up to the message before"));
    }
  }

  /**
   * Ends those that may be stored and whose id the stream may have forgotten. A promise when the stream is still to be asked how long it
   * remembers.
   */
  dropForgotten(): Promise<void> | undefined {
    const first = this.at(0);
    if (first?.doubtSince === undefined) return undefined;
    const memory = this.#window.ms;
    if (memory === undefined) return this.#window.ask(first.subject);
    const oldest = this.#runtime.now() - memory;
    const cause = new Error(`the stream may have forgotten its id after ${Math.round(memory)} ms`);
    this.#takeOut(({ doubtSince = oldest }) => doubtSince < oldest, cause);
    return undefined;
  }

  /** The stream refused the first `count`. */
  refuse(count: number, error: ApiErrorData): void {
    for (const message of this.#first(count)) {
      this.#shift();
      this.#forget(message);
      message.reject(new JetStreamApiError(error, storeState(message)));
    }
  }

  /** The connection did not take the message at `index`. */
  reject(index: number, error: Error): void {
    const [message] = this.#messages.splice(this.#head + index, 1);
    if (message === undefined) return;
    this.#forget(message);
    message.reject(error);
  }

  failAll(cause: Error): void {
    this.#takeOut(() => true, cause);
  }

  #first(count: number): FastMessage[] {
    return this.#messages.slice(this.#head, this.#head + count);
  }

  /** They end as what is known of them. `ends` is called once for each. */
  #takeOut(ends: (message: FastMessage) => boolean, cause: Error): void {
    const all = this.#first(this.length);
    const out: FastMessage[] = [];
    this.#messages = all.filter((message) => {
      const isOut = ends(message);
      if (isOut) out.push(message);
      return !isOut;
    });
    this.#head = 0;
    for (const message of out) {
      this.#forget(message);
      message.reject(givenUp(message, cause));
    }
  }

  #shift(): FastMessage | undefined {
    const message = this.#messages[this.#head++];
    if (this.#head >= COMPACTED && this.#head * 2 >= this.#messages.length) {
      this.#messages.splice(0, this.#head);
      this.#head = 0;
    }
    return message;
  }

  /** It has ended: its promise is told next. */
  #forget(message: FastMessage): void {
    message.stage = "settled";
    this.#settled(message);
  }
}

const COMPACTED = 1024;

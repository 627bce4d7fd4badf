import { nuid } from "@nats-io/nats-core";
import type { FastMessage } from "./outstanding.ts";
import type { ApiErrorData } from "./pub-ack.ts";

/** What a message of a fast batch says in its reply subject: begins the batch, goes on, or ends it without a message of its own. */
export type FastOperation = "start" | "append" | "end";

/** One fast batch: the messages 1 to `sent`, of which those up to `acked` are stored. */
export class FastBatch {
  sent = 0;
  acked = 0;
  /** After how many messages the server acknowledges; it says how many. */
  interval: number;
  /** When something was sent or acknowledged last, in running time. */
  movedAt = 0;
  /** How often its end was asked for. */
  asked = 0;
  /** The subject of its last message: its end has to go to the same stream. */
  subject = "";
  /** What the server said of a message that it refused; it stores none behind that. */
  refused: { readonly sequence: number; readonly error: ApiErrorData } | undefined;
  /** A subject that it may not publish to. */
  forbidden: { readonly subject: string; readonly error: Error } | undefined;
  readonly #prefix: string;

  /** `inbox` with its dot; `interval` is what the server is asked for. */
  constructor(inbox: string, interval: number) {
    this.interval = interval;
    // `fail`: the batch ends at the first message that is missing, and stores none behind it.
    this.#prefix = `${inbox}${nuid.next()}.${interval}.fail.`;
  }

  /** How many may be stored or not. */
  get unacked(): number {
    return this.sent - this.acked;
  }

  //  <inbox>.<batch>.<asked interval>.fail.<sequence>.<operation>.$FI        (ADR-50)
  replyOf(sequence: number, operation: FastOperation): string {
    return `${this.#prefix}${sequence}.${OPERATIONS[operation]}.$FI`;
  }

  /** Of an answer: the sequence of what it answers; 0 if it is not of this batch. */
  sequenceOf(subject: string): number {
    return subject.startsWith(this.#prefix) ? Number.parseInt(subject.slice(this.#prefix.length), 10) : 0;
  }

  /** `message` went as the next one. */
  add(message: FastMessage, now: number, runningTime: number): void {
    this.sent++;
    this.movedAt = runningTime;
    this.subject = message.subject;
    message.stage = "sent";
    message.attempts++;
    message.doubtSince ??= now;
  }
}

const OPERATIONS: Readonly<Record<FastOperation, number>> = { start: 0, append: 1, end: 3 };

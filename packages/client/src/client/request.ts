import { InvalidArgumentError, type Msg, NoRespondersError, type Payload, type RequestOptions } from "@nats-io/nats-core";
import { checkPublishSubject, checkReply } from "../protocol/subjects.ts";
import { checkWait } from "./checks.ts";
import type { Deadline } from "./deadlines.ts";
import type { Life } from "./life.ts";
import type { ReceivedMsg } from "./message.ts";
import type { Mux } from "./mux.ts";
import type { Publisher, SentRequest } from "./publish.ts";
import type { OwnInboxes, Pending, ReplyTo } from "./replies.ts";
import { type CallTrace, type RequestTraces, requestError, timeoutError } from "./trace.ts";

/** Where their deadlines come from: the connection's `Deadlines`. */
export interface RequestTimers {
  timer(delayMs: number, task: () => void): Deadline;
}

/** What requests need. */
export interface RequestParts {
  readonly life: Life;
  readonly publisher: Publisher;
  readonly mux: Mux;
  readonly inboxes: OwnInboxes;
  readonly runtime: RequestTimers;
  readonly traces: RequestTraces;
}

/** What `nc.request()` documents: the first answer, or an error. */
export function request(
  parts: RequestParts,
  subject: string,
  payload?: Payload,
  options?: Partial<RequestOptions>,
): Promise<Msg> {
  return new Promise((resolve, reject) => {
    const { timeout, ownReply } = check(parts.life, subject, options);
    const trace = parts.traces.take(request);
    const asked = new Asked(subject, trace, resolve, reject);
    const replyTo = options?.noMux === true ? parts.inboxes.open(asked, ownReply, 1) : parts.mux.open(asked);
    asked.wait(replyTo, parts.runtime, timeout);
    try {
      asked.sent(parts.publisher.request(subject, replyTo.reply, payload, options));
    } catch (error) {
      asked.finish();
      throw error;
    }
  });
}

/** A request that waits for its answer. An object, because the closures that do the same cost twice as much. */
class Asked implements Pending {
  readonly subject: string;
  readonly #trace: CallTrace;
  readonly #resolve: (msg: Msg) => void;
  readonly #reject: (error: Error) => void;
  #replyTo: ReplyTo | undefined;
  #deadline: Deadline | undefined;
  #sent: SentRequest | undefined;

  constructor(subject: string, trace: CallTrace, resolve: (msg: Msg) => void, reject: (error: Error) => void) {
    this.subject = subject;
    this.#trace = trace;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  wait(replyTo: ReplyTo, timers: RequestTimers, timeoutMs: number): void {
    this.#replyTo = replyTo;
    this.#deadline = timers.timer(timeoutMs, () => this.#expired());
  }

  sent(sent: SentRequest): void {
    this.#sent = sent;
  }

  message(msg: ReceivedMsg): void {
    if (msg.isNoResponders) return this.failed(new NoRespondersError(this.subject));
    this.finish();
    this.#resolve(msg);
  }

  /** It is not taken back: at close() what is held is still sent, or handed back as abandoned. */
  failed(error: Error): void {
    this.#fail(requestError(error, this.#trace));
  }

  isHeld(): boolean {
    return this.#sent === undefined || this.#sent.isHeld();
  }

  /** Nothing more is wanted. */
  finish(): void {
    this.#deadline?.cancel();
    this.#replyTo?.release();
  }

  #expired(): void {
    this.#sent?.expire();
    this.#fail(timeoutError(this.#trace));
  }

  #fail(error: Error): void {
    this.finish();
    this.#reject(error);
  }
}

/** Throws what the promise is to be rejected with; nothing has been started then. */
function check(
  life: Life,
  subject: string,
  options?: Partial<RequestOptions>,
): { timeout: number; ownReply: string | undefined } {
  life.checkPublish();
  life.checkSubscribe();
  checkPublishSubject(subject);
  const timeout = options?.timeout || DEFAULT_TIMEOUT;
  checkWait("timeout", timeout);
  const ownReply = options?.reply || undefined;
  if (ownReply === undefined) return { timeout, ownReply };
  if (options?.noMux !== true) throw InvalidArgumentError.format(["reply", "noMux"], "are mutually exclusive");
  checkReply(ownReply);
  return { timeout, ownReply };
}

/** Milliseconds, as in nats.js. */
const DEFAULT_TIMEOUT = 1000;

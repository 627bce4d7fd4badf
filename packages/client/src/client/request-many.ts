import {
  ConnectionError,
  InvalidArgumentError,
  type Msg,
  NoRespondersError,
  type Payload,
  type RequestManyOptions,
} from "@nats-io/nats-core";
import { Mailbox } from "../inbound/mailbox.ts";
import { checkPublishSubject } from "../protocol/subjects.ts";
import { checkWait } from "./checks.ts";
import type { Deadline } from "./deadlines.ts";
import type { SentRequest } from "./publish.ts";
import type { Pending } from "./replies.ts";
import type { RequestParts } from "./request.ts";
import { requestError, toError, withTrace } from "./trace.ts";

type Strategy = RequestManyOptions["strategy"];

/**
 * What `nc.requestMany()` documents: answers until the strategy says that it is enough, `maxWait` is over, or the reader leaves
 * its loop.
 *
 * - `timer`: until `maxWait`;
 * - `count`: until `maxMessages` came, or `maxWait`;
 * - `stall`: from the first answer on until none came for `stall` ms (300), which replaces `maxWait`;
 * - `sentinel`: until an answer without payload, which is delivered too, or `maxWait`.
 *
 * Rejects for bad arguments; what goes wrong later is thrown by the iteration.
 */
export async function requestMany(
  parts: RequestParts,
  subject: string,
  payload?: Payload,
  options: Partial<RequestManyOptions> = {},
): Promise<AsyncIterable<Msg>> {
  const { strategy, maxWait, stall } = check(parts, subject, options);
  const trace = parts.traces.take(requestMany);
  let sent: SentRequest | undefined;
  let timer: Deadline | undefined;
  let missing = options.maxMessages !== undefined && options.maxMessages > 0 ? options.maxMessages : Infinity;
  const answers = new Mailbox<Msg>(() => finish());
  const finish = (): void => {
    timer?.cancel();
    replyTo.release();
    sent?.expire();
    sent = undefined;
  };
  const end = (error?: Error): void => {
    finish();
    answers.close(error);
  };
  const pending: Pending = {
    subject,
    message: (msg) => {
      if (msg.isNoResponders) return end(withTrace(new NoRespondersError(subject), trace));
      answers.push(msg);
      if (strategy === "count" && --missing === 0) return end();
      if (strategy === "sentinel" && msg.data.length === 0) return end();
      if (strategy !== "stall") return;
      timer?.cancel();
      timer = parts.runtime.timer(stall, () => end());
    },
    failed: (error) => {
      // It is not taken back: at close() what is held is still sent, or handed back as abandoned.
      sent = undefined;
      end(error instanceof ConnectionError ? requestError(error, trace) : withTrace(error, trace));
    },
    isHeld: () => sent === undefined || sent.isHeld(),
  };
  const replyTo = options.noMux === true ? parts.inboxes.open(pending) : parts.mux.open(pending);
  timer = parts.runtime.timer(maxWait, () => end());
  try {
    sent = parts.publisher.request(subject, replyTo.reply, payload, options);
  } catch (error) {
    end(toError(error));
  }
  return answers;
}

function check(
  parts: RequestParts,
  subject: string,
  options: Partial<RequestManyOptions>,
): { strategy: Strategy; maxWait: number; stall: number } {
  parts.life.checkPublish();
  parts.life.checkSubscribe();
  checkPublishSubject(subject);
  const strategy = options.strategy || "timer";
  if (!STRATEGIES.includes(strategy)) {
    throw InvalidArgumentError.format("strategy", `must be one of ${STRATEGIES.join(", ")}, got '${strategy}'`);
  }
  const maxWait = options.maxWait || DEFAULT_MAX_WAIT;
  const stall = options.stall || DEFAULT_STALL;
  // nats-core's name for it.
  checkWait("timeout", maxWait);
  checkWait("stall", stall);
  return { strategy, maxWait, stall };
}

const STRATEGIES: readonly Strategy[] = ["timer", "count", "stall", "sentinel"];
/** Milliseconds, as in nats.js. */
const DEFAULT_MAX_WAIT = 1000;
const DEFAULT_STALL = 300;

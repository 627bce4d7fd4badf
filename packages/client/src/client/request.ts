import { InvalidArgumentError, type Msg, NoRespondersError, type Payload, type RequestOptions } from "@nats-io/nats-core";
import { checkPublishSubject, checkReply } from "../protocol/subjects.ts";
import type { Runtime } from "../runtime.ts";
import { checkWait } from "./checks.ts";
import type { Life } from "./life.ts";
import type { Mux } from "./mux.ts";
import type { Publisher, SentRequest } from "./publish.ts";
import type { OwnInboxes, Pending } from "./replies.ts";
import { callTrace, requestError, timeoutError } from "./trace.ts";

/** What requests need. */
export interface RequestParts {
  readonly life: Life;
  readonly publisher: Publisher;
  readonly mux: Mux;
  readonly inboxes: OwnInboxes;
  readonly runtime: Runtime;
  readonly noAsyncTraces: boolean;
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
    const trace = callTrace(parts.noAsyncTraces, request);
    let sent: SentRequest | undefined;
    const finish = (): void => {
      timer.cancel();
      replyTo.release();
    };
    const fail = (error: Error): void => {
      finish();
      reject(error);
    };
    const pending: Pending = {
      subject,
      message: (msg) => {
        if (msg.isNoResponders) return fail(requestError(new NoRespondersError(subject), trace));
        finish();
        resolve(msg);
      },
      // It is not taken back: at close() what is held is still sent, or handed back as abandoned.
      failed: (error) => fail(requestError(error, trace)),
      isHeld: () => sent === undefined || sent.isHeld(),
    };
    const replyTo = options?.noMux === true ? parts.inboxes.open(pending, ownReply, 1) : parts.mux.open(pending);
    const timer = parts.runtime.timer(timeout, () => {
      sent?.expire();
      fail(timeoutError(trace));
    });
    try {
      sent = parts.publisher.request(subject, replyTo.reply, payload, options);
    } catch (error) {
      finish();
      throw error;
    }
  });
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

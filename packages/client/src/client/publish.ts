import { Empty, type MsgHdrs, type Payload, type PublishOptions } from "@nats-io/nats-core";
import type { Outbound } from "../outbound/outbound.ts";
import { checkPublishSubject, checkReply } from "../protocol/subjects.ts";
import { belongsToConnection, isInBatch } from "./classify.ts";
import { encodeHeaders, type TraceOptions } from "./headers.ts";
import type { Life } from "./life.ts";

/** What a request adds to its subject and payload. */
export interface RequestExtras extends TraceOptions {
  readonly headers?: MsgHdrs;
}

/** Checks what is published and hands it to the outbound log. Nothing of the caller's is written to, or kept. */
export class Publisher {
  readonly #life: Life;
  readonly #outbound: Outbound;

  constructor(life: Life, outbound: Outbound) {
    this.#life = life;
    this.#outbound = outbound;
  }

  /** What `nc.publish()` documents. */
  publish(subject: string, payload: Payload = Empty, options?: PublishOptions): boolean {
    this.#life.checkPublish();
    checkPublishSubject(subject);
    checkPayload(payload);
    if (options === undefined || options === null) {
      return this.#outbound.publish(subject, "", null, payload, belongsToConnection(subject, "", undefined, payload));
    }
    const reply = options.reply || "";
    if (reply !== "") checkReply(reply);
    const headers = options.headers ?? undefined;
    const block = encodeHeaders(headers, options);
    return this.#outbound.publish(subject, reply, block, payload, belongsToConnection(subject, reply, headers, payload));
  }

  /** As `publish()`, for a request: returns what makes it expire, if it has not gone by then. The reply has been checked. */
  request(subject: string, reply: string, payload: Payload = Empty, extras: RequestExtras = {}): () => void {
    this.#life.checkPublish();
    checkPublishSubject(subject);
    checkPayload(payload);
    const headers = extras.headers ?? undefined;
    const block = encodeHeaders(headers, extras);
    // A message of a batch does not wait for another connection, not even as a request.
    if (headers !== undefined && isInBatch(headers)) {
      this.#outbound.publish(subject, reply, block, payload, true);
      return () => {};
    }
    const request = this.#outbound.request(subject, reply, block, payload);
    return () => this.#outbound.expire(request);
  }
}

/** nats-core's own words, which its tests compare. */
function checkPayload(payload: unknown): asserts payload is Payload {
  if (typeof payload === "string" || payload instanceof Uint8Array) return;
  throw new TypeError("payload types can be strings or Uint8Array");
}

import { Empty, type MsgHdrs, type Payload } from "@nats-io/nats-core";
import type { Inboxes } from "../inbound/inboxes.ts";
import type { HoldfastPublishOptions } from "../options.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { Treatment } from "../outbound/treatment.ts";
import { checkPublishSubject, checkReply } from "../protocol/subjects.ts";
import { asResponse, classify, classifyRequest, mayBeSpecial } from "./classify.ts";
import { checkHeaders, encodeHeaders, type TraceOptions } from "./headers.ts";
import type { Life } from "./life.ts";
import { type MessageOptions, readMessageOptions, withOptions } from "./publish-options.ts";

/** What a request adds to its subject and payload. */
export interface RequestExtras extends TraceOptions {
  readonly headers?: MsgHdrs;
}

/** A request that was accepted. */
export interface SentRequest {
  /** Its deadline passed, or nobody waits for it any more: if it has not gone by now it never goes. */
  expire(): void;
  /** Whether it still waits to be sent; otherwise a server may have it, or it has ended. */
  isHeld(): boolean;
}

/** Checks what is published and hands it to the outbound log. Nothing of the caller's is written to, or kept. */
export class Publisher {
  readonly #life: Life;
  readonly #outbound: Outbound;
  readonly #inboxes: Inboxes;

  constructor(life: Life, outbound: Outbound, inboxes: Inboxes) {
    this.#life = life;
    this.#outbound = outbound;
    this.#inboxes = inboxes;
  }

  /** What `nc.publish()` documents. */
  publish(subject: string, payload: Payload = Empty, options?: HoldfastPublishOptions): boolean {
    this.#check(subject, payload);
    if (options === undefined || options === null) {
      const treatment = mayBeSpecial(subject) ? classify(subject, "", undefined, payload, this.#inboxes) : undefined;
      return this.#outbound.publish(subject, "", null, payload, treatment);
    }
    const reply = readReply(options);
    const own = readMessageOptions(options);
    const treatment = this.#classify(subject, reply, payload, options, own);
    return this.#outbound.publish(subject, reply, encodeOwnHeaders(options, own), payload, treatment);
  }

  /** As `publish()`, for an answer: never refused because of the buffer. */
  respond(subject: string, payload: Payload = Empty, options?: HoldfastPublishOptions): boolean {
    this.#check(subject, payload);
    const given = options ?? {};
    const reply = readReply(given);
    const own = readMessageOptions(given);
    const treatment = asResponse(this.#classify(subject, reply, payload, given, own));
    return this.#outbound.publish(subject, reply, encodeOwnHeaders(given, own), payload, treatment);
  }

  /** What `nc.outbound.publishAndConfirm()` documents. What `publish()` would throw rejects. */
  async publishAndConfirm(subject: string, payload: Payload = Empty, options?: HoldfastPublishOptions): Promise<void> {
    this.#check(subject, payload);
    const given = options ?? {};
    const reply = readReply(given);
    const own = readMessageOptions(given);
    const treatment = this.#classify(subject, reply, payload, given, own);
    await this.#outbound.publishAndConfirm(subject, reply, encodeOwnHeaders(given, own), payload, treatment);
  }

  /** As `publish()`, for a request. The reply has been checked. */
  request(subject: string, reply: string, payload: Payload = Empty, extras: RequestExtras = {}): SentRequest {
    this.#check(subject, payload);
    const headers = extras.headers ?? undefined;
    if (headers !== undefined) checkHeaders(headers);
    // A message of a batch does not wait for another connection, not even as a request.
    const treatment = classifyRequest(headers);
    const block = encodeHeaders(headers, extras);
    if (treatment !== undefined) {
      this.#outbound.publish(subject, reply, block, payload, treatment);
      return GONE;
    }
    return new Accepted(this.#outbound, this.#outbound.request(subject, reply, block, payload));
  }

  #check(subject: string, payload: Payload): void {
    this.#life.checkPublish();
    checkPublishSubject(subject);
    checkPayload(payload);
  }

  #classify(
    subject: string,
    reply: string,
    payload: Payload,
    options: HoldfastPublishOptions,
    own: MessageOptions,
  ): Treatment | undefined {
    const headers = options.headers ?? undefined;
    if (headers !== undefined) checkHeaders(headers);
    return withOptions(classify(subject, reply, headers, payload, this.#inboxes), own);
  }
}

class Accepted implements SentRequest {
  readonly #outbound: Outbound;
  readonly #handle: number;

  constructor(outbound: Outbound, handle: number) {
    this.#outbound = outbound;
    this.#handle = handle;
  }

  expire(): void {
    this.#outbound.expire(this.#handle);
  }

  isHeld(): boolean {
    return this.#outbound.holds(this.#handle);
  }
}

function readReply(options: HoldfastPublishOptions): string {
  const reply = options.reply || "";
  if (reply !== "") checkReply(reply);
  return reply;
}

/** To be called last: the block is good until the next one is encoded. */
function encodeOwnHeaders(options: HoldfastPublishOptions, own: MessageOptions): Uint8Array | null {
  return encodeHeaders(options.headers ?? undefined, options, own.msgId);
}

/** nats-core's own words, which its tests compare. */
function checkPayload(payload: unknown): asserts payload is Payload {
  if (typeof payload === "string" || payload instanceof Uint8Array) return;
  throw new TypeError("payload types can be strings or Uint8Array");
}

const GONE: SentRequest = { expire: () => {}, isHeld: () => false };

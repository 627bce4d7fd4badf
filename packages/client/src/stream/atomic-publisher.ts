import { Empty, InvalidArgumentError, InvalidOperationError, nuid, type Payload } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../client/connection.ts";
import { StreamPublisherFullError } from "../errors.ts";
import type { Runtime } from "../runtime.ts";
import { Admission } from "./admission.ts";
import { Flushes } from "./flushes.ts";
import { copyHeaders, MSG_ID, streamHeaders } from "./headers.ts";
import { Life } from "./life.ts";
import type { ResolvedStreamOptions, StreamPublishOptions } from "./options.ts";
import type { AckedMessage, BatchPart } from "./outstanding.ts";
import { copyPayload } from "./payload.ts";
import type { BatchAck, PubAck } from "./pub-ack.ts";
import { Sender } from "./sender.ts";

/** One message of an atomic batch. `expect.lastSequence` may stand in the first only, and `expect.lastMsgID` in none. */
export interface BatchMessage {
  subject: string;
  payload?: Payload;
  options?: Omit<StreamPublishOptions, "timeout" | "retries">;
}

/** What `publishToStream()` gives in mode "atomic": each batch is stored whole or not at all. */
export interface AtomicPublisher {
  /** Batches without an acknowledgement. */
  readonly outstanding: number;
  /** Whether `publish()` takes another batch now. */
  readonly writable: boolean;

  /**
   * Publishes a batch of 1 to 1 000 messages (the server's limit), and resolves when it is stored. All is read, and copied, before this
   * returns. A batch that an outage or an error interrupts is published again as a whole. If its commit is in doubt, the id of its last
   * message, which is made up where it has none, tells whether it was stored; the acknowledgement is then a `duplicate`.
   *
   * Rejects as `publish()` of a message does; the `state` of the error is that of the whole batch.
   */
  publish(messages: readonly BatchMessage[]): Promise<BatchAck>;

  /** As for messages, of one more batch. */
  ready(options?: { signal?: AbortSignal }): Promise<void>;

  /** Resolves when every batch published before was stored or rejected. Never rejects. */
  flush(): Promise<void>;

  /** As for messages. */
  close(options?: { timeout?: number }): Promise<void>;

  /** `close()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Makes batches of what is published. A batch goes the way of a message: it has one acknowledgement, and one id. */
export class BatchPublisher implements AtomicPublisher {
  readonly #options: ResolvedStreamOptions;
  readonly #life: Life;
  readonly #admission: Admission;
  readonly #flushes = new Flushes();
  readonly #sender: Sender;
  readonly #idPrefix: string = `${nuid.next()}-`;
  #serial = 0;

  constructor(nc: HoldfastConnection, options: ResolvedStreamOptions, runtime: Runtime) {
    this.#options = options;
    this.#life = new Life(runtime);
    this.#admission = new Admission(runtime, options.maxOutstanding, Infinity);
    this.#sender = new Sender(nc, options, runtime, {
      settled: (batch) => this.#settled(batch),
      closed: (error) => this.#finish(error),
    });
  }

  get outstanding(): number {
    return this.#admission.count;
  }

  get writable(): boolean {
    return this.#life.refusal === undefined && this.#admission.hasRoom;
  }

  publish(messages: readonly BatchMessage[]): Promise<BatchAck> {
    const { refusal } = this.#life;
    if (refusal !== undefined) return Promise.reject(refusal);
    if (!this.#admission.hasRoom) return Promise.reject(new StreamPublisherFullError(this.#options.maxOutstanding, Infinity));
    // What it throws rejects.
    return new Promise((resolve, reject) => {
      const batch = this.#batch(messages, resolve, reject);
      this.#admission.enter(0);
      this.#sender.send(batch);
    });
  }

  ready(options: { signal?: AbortSignal } = {}): Promise<void> {
    const { refusal } = this.#life;
    return refusal === undefined ? this.#admission.ready(options.signal) : Promise.reject(refusal);
  }

  flush(): Promise<void> {
    return this.#flushes.wait(this.#serial, this.#admission.count);
  }

  close(options: { timeout?: number } = {}): Promise<void> {
    const error = this.#life.end(new InvalidOperationError("the publisher is closed"));
    this.#admission.close(error);
    return this.#life.close(this.flush(), options.timeout, () => this.#finish(error));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #batch(messages: readonly BatchMessage[], resolve: (ack: BatchAck) => void, reject: (error: Error) => void): AckedMessage {
    const { timeout, retries, dedupe } = this.#options;
    const serial = this.#serial + 1;
    const parts: BatchPart[] = messages.map(({ subject, payload = Empty, options = {} }) => ({
      subject,
      payload: copyPayload(payload),
      headers: streamHeaders(subject, options),
    }));
    const last = parts.pop();
    if (last === undefined) throw InvalidArgumentError.format("messages", "must have at least one message");
    const given = last.headers?.get(MSG_ID) || undefined;
    const msgID = given ?? (dedupe ? this.#idPrefix + serial : undefined);
    const headers = copyHeaders(last.headers);
    if (msgID !== undefined) headers.set(MSG_ID, msgID);
    parts.push({ ...last, headers });
    this.#serial = serial;
    return {
      subject: last.subject,
      payload: last.payload,
      bytes: 0,
      headers,
      parts,
      msgID,
      serial,
      timeout,
      retries,
      slot: 0,
      stage: "waiting",
      attempts: 0,
      refusals: 0,
      lastRefused: 0,
      retried: 0,
      doubtSince: undefined,
      sentAt: 0,
      verdict: undefined,
      resolve: (ack) => resolve(asBatchAck(ack, parts.length)),
      reject,
    };
  }

  #settled(batch: AckedMessage): void {
    this.#admission.leave(0);
    this.#flushes.ended(batch.serial);
    if (this.#admission.count === 0) this.#sender.rest();
  }

  /** The publisher was closed, or its connection. */
  #finish(error: Error): void {
    this.#life.end(error);
    this.#admission.close(error);
    this.#sender.failAll(error);
    this.#sender.stop();
  }
}

/** What is known of a batch by the id of its last message says nothing of the batch's own id. */
function asBatchAck(ack: PubAck, count: number): BatchAck {
  return "batch" in ack ? (ack as BatchAck) : { ...ack, batch: "", count };
}

import { Empty, InvalidOperationError, nuid, type Payload } from "@nats-io/nats-core";
import { StreamPublisherFullError } from "../errors.ts";
import type { Runtime } from "../runtime.ts";
import { Admission } from "./admission.ts";
import type { Engine, EngineListener } from "./engine.ts";
import { Flushes } from "./flushes.ts";
import { MSG_ID, streamHeaders } from "./headers.ts";
import { Life } from "./life.ts";
import { type ResolvedStreamOptions, readRetries, readTimeout, type StreamPublishOptions } from "./options.ts";
import type { StreamMessage } from "./outstanding.ts";
import { bytesOf, copyPayload } from "./payload.ts";
import type { PubAck } from "./pub-ack.ts";

/** What publishers of messages have in common; `Result` is what a message resolves with. */
export interface Publishing<Result> {
  /** Messages without an acknowledgement. */
  readonly outstanding: number;
  /** Whether `publish()` takes another message now. */
  readonly writable: boolean;

  /**
   * Publishes, and resolves when the stream has stored the message. Payload, headers and options are read, and copied, before this
   * returns. While there is no connection, or no stream answers, the message waits, and is sent again under the same `Nats-Msg-Id`.
   *
   * Rejects with `JetStreamApiError` when the stream refused it; with `StreamPublishError`, whose `state` says whether it may be
   * stored, when it was given up; with `StreamPublisherFullError` when too many are outstanding, see `ready()`; with what
   * `nc.publish()` throws for arguments that cannot be; with `InvalidOperationError` after `close()`.
   */
  publish(subject: string, payload?: Payload, options?: StreamPublishOptions): Promise<Result>;

  /**
   * Resolves when there is room for one more message, which is then to be published in the same turn of the event loop: await it
   * before each `publish()`. Those that wait go one by one. Rejects with `signal.reason`, and with `InvalidOperationError` after
   * `close()`.
   */
  ready(options?: { signal?: AbortSignal }): Promise<void>;

  /** Resolves when everything published before was stored or rejected. Never rejects: the promises of the messages do. */
  flush(): Promise<void>;

  /**
   * Takes no more messages, waits until those outstanding are stored or rejected, at most `timeout` milliseconds (by default as
   * long as they take), rejects what is left then, and gives up the subscription. To be called before `nc.drain()` or
   * `nc.close()`, after which no acknowledgement can come.
   */
  close(options?: { timeout?: number }): Promise<void>;

  /** `close()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What `publishToStream()` gives: each message has an acknowledgement of its own, and many are on their way at a time. */
export type StreamPublisher = Publishing<PubAck>;

/** What `publishToStream()` gives in mode "fast": the server acknowledges many messages at once, without their places in the stream. */
export type FastPublisher = Publishing<void>;

/** Makes messages of what is published, and counts them. */
export class MessagePublisher<Result> implements Publishing<Result> {
  readonly #options: ResolvedStreamOptions;
  readonly #life: Life;
  readonly #admission: Admission;
  readonly #flushes = new Flushes();
  readonly #engine: Engine<Result>;
  readonly #idPrefix: string = `${nuid.next()}-`;
  #serial = 0;

  constructor(options: ResolvedStreamOptions, runtime: Runtime, start: (listener: EngineListener<Result>) => Engine<Result>) {
    this.#options = options;
    this.#life = new Life(runtime);
    this.#admission = new Admission(runtime, options.maxOutstanding, options.maxOutstandingBytes);
    this.#engine = start({
      settled: (message) => this.#settled(message),
      closed: (error) => this.#finish(error),
    });
  }

  get outstanding(): number {
    return this.#admission.count;
  }

  get writable(): boolean {
    return this.#life.refusal === undefined && this.#admission.hasRoom;
  }

  publish(subject: string, payload: Payload = Empty, options?: StreamPublishOptions): Promise<Result> {
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    // What it throws rejects.
    return new Promise((resolve, reject) => {
      const message = this.#message(subject, payload, options, resolve, reject);
      this.#admission.enter(message.bytes);
      this.#engine.send(message);
    });
  }

  ready(options: { signal?: AbortSignal } = {}): Promise<void> {
    const { refusal } = this.#life;
    return refusal === undefined ? this.#admission.ready(options.signal) : Promise.reject(refusal);
  }

  flush(): Promise<void> {
    if (this.#admission.count > 0) this.#engine.hurry();
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

  #refusal(): Error | undefined {
    if (this.#admission.hasRoom) return this.#life.refusal;
    const { maxOutstanding, maxOutstandingBytes } = this.#options;
    return this.#life.refusal ?? new StreamPublisherFullError(maxOutstanding, maxOutstandingBytes);
  }

  #message(
    subject: string,
    payload: Payload,
    options: StreamPublishOptions | undefined,
    resolve: (result: Result) => void,
    reject: (error: Error) => void,
  ): StreamMessage<Result> {
    const { timeout, retries, dedupe } = this.#options;
    const serial = this.#serial + 1;
    const headers = options === undefined ? undefined : streamHeaders(subject, options);
    let msgID = headers?.get(MSG_ID) || undefined;
    if (msgID === undefined && dedupe) {
      msgID = this.#idPrefix + serial;
      headers?.set(MSG_ID, msgID);
    }
    const message: StreamMessage<Result> = {
      subject,
      payload: copyPayload(payload),
      bytes: bytesOf(payload),
      headers,
      parts: undefined,
      msgID,
      serial,
      timeout: readTimeout(options?.timeout, timeout),
      retries: readRetries(options?.retries, retries),
      slot: 0,
      stage: "waiting",
      attempts: 0,
      refusals: 0,
      lastRefused: 0,
      retried: 0,
      doubtSince: undefined,
      sentAt: 0,
      verdict: undefined,
      resolve,
      reject,
    };
    this.#serial = serial;
    return message;
  }

  #settled(message: StreamMessage<Result>): void {
    this.#admission.leave(message.bytes);
    this.#flushes.ended(message.serial);
    if (this.#admission.count === 0) this.#engine.rest();
  }

  /** The publisher was closed, or its connection. */
  #finish(error: Error): void {
    this.#life.end(error);
    this.#admission.close(error);
    this.#engine.failAll(error);
    this.#engine.stop();
  }
}

import { type Msg, NoRespondersError, TimeoutError } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../client/connection.ts";
import { JetStreamApiError, ReconnectBufferFullError } from "../errors.ts";
import type { HoldfastPublishOptions } from "../options.ts";
import type { Runtime } from "../runtime.ts";
import { Channel } from "./channel.ts";
import type { Engine, EngineListener } from "./engine.ts";
import { FastBacklog } from "./fast-backlog.ts";
import { FastBatch } from "./fast-batch.ts";
import { isNoResponders } from "./inbox.ts";
import type { ResolvedStreamOptions } from "./options.ts";
import type { FastMessage } from "./outstanding.ts";
import { AnswerReader, type ApiErrorData } from "./pub-ack.ts";
import { isBatchUnknown, isTemporary, isUnsupported } from "./verdicts.ts";

/**
 *   idle ──first message──▶ open ──quiet, flush, trouble──▶ ending ──how many it stored──▶ idle
 *
 * `ending`: nothing is sent before the server has said how many messages the batch stored. That ends the batch for good: the others can
 * go in a new one, and a copy of them that comes late is refused. `isAsked`: the question is on its way, or the answer comes by itself.
 */
type State =
  | { readonly kind: "idle" }
  | { readonly kind: "open"; readonly batch: FastBatch }
  | { readonly kind: "ending"; readonly batch: FastBatch; readonly isAsked: boolean };

/**
 * Sends messages in fast batches, one at a time, and after any trouble goes on behind what was stored. A server keeps a batch for ten
 * seconds, also over a reconnect; one that does not know it any more leaves its messages in doubt, and only their ids allow to send
 * them again.
 */
export class FastSender implements Engine<void> {
  readonly #nc: HoldfastConnection;
  readonly #options: ResolvedStreamOptions;
  readonly #runtime: Runtime;
  readonly #reader = new AnswerReader();
  readonly #backlog: FastBacklog;
  readonly #channel: Channel;
  #state: State = IDLE;
  #isHurried = false;

  constructor(nc: HoldfastConnection, options: ResolvedStreamOptions, runtime: Runtime, listener: EngineListener<void>) {
    this.#nc = nc;
    this.#options = options;
    this.#runtime = runtime;
    this.#backlog = new FastBacklog(nc, options, runtime, (message) => listener.settled(message));
    this.#channel = new Channel(nc, options, runtime, ">", {
      answer: (msg) => this.#answer(msg),
      lost: (error) => this.failAll(error),
      reconnected: () => this.#reconnected(),
      refused: (subject, error) => this.#forbidden(subject, error),
      closed: (error) => listener.closed(error),
      tick: () => this.#tick(),
      pump: () => this.#pump(),
    });
  }

  send(message: FastMessage): void {
    this.#backlog.push(message);
    this.#channel.ticker.start();
    this.#pump();
  }

  hurry(): void {
    this.#isHurried = true;
    this.#pump();
  }

  /** Not before its batch has ended: the server would wait for more. */
  rest(): void {
    if (this.#state.kind === "idle") this.#channel.ticker.stop();
  }

  failAll(cause: Error): void {
    this.#state = IDLE;
    this.#backlog.failAll(cause);
  }

  stop(): void {
    this.#channel.stop();
  }

  #pump(): void {
    while (this.#channel.isOpen()) if (!this.#step()) return;
  }

  /** Does the next thing that can be done; false if there is none. */
  #step(): boolean {
    const state = this.#state;
    if (state.kind === "ending") return !state.isAsked && this.#askForEnd(state.batch);
    if (state.kind === "open") return this.#goOn(state.batch);
    if (this.#backlog.length === 0) return false;
    const asked = this.#backlog.dropForgotten();
    if (asked !== undefined) this.#channel.hold.until(asked);
    else if (this.#backlog.length > 0) this.#state = { kind: "open", batch: this.#begin() };
    return asked === undefined;
  }

  #begin(): FastBatch {
    const batch = new FastBatch(this.#channel.inbox.base, this.#options.ackInterval);
    batch.movedAt = this.#channel.ticker.now;
    return batch;
  }

  #goOn(batch: FastBatch): boolean {
    const next = this.#backlog.at(batch.unacked);
    if (next === undefined) return this.#isHurried && batch.sent > 0 && this.#askForEnd(batch);
    return batch.unacked < batch.interval * this.#options.maxOutstandingAcks && this.#go(batch, next);
  }

  #go(batch: FastBatch, message: FastMessage): boolean {
    const reply = batch.replyOf(batch.sent + 1, batch.sent === 0 ? "start" : "append");
    const options: HoldfastPublishOptions = { reply };
    if (message.headers !== undefined) options.headers = message.headers;
    else if (message.msgID !== undefined) options.msgId = message.msgID;
    try {
      this.#channel.inbox.open();
      if (!this.#nc.publish(message.subject, message.payload, options)) this.#channel.hold.until(this.#nc.outbound.writable());
    } catch (error) {
      if (error instanceof ReconnectBufferFullError) this.#channel.hold.until(this.#nc.outbound.writable());
      else this.#backlog.reject(batch.unacked, error instanceof Error ? error : new Error(String(error)));
      if (batch.sent === 0) this.#state = IDLE;
      return true;
    }
    batch.add(message, this.#runtime.now(), this.#channel.ticker.now);
    return true;
  }

  /** The answer says how many messages were stored. */
  #askForEnd(batch: FastBatch): boolean {
    this.#state = { kind: "ending", batch, isAsked: true };
    batch.movedAt = this.#channel.ticker.now;
    batch.asked++;
    try {
      this.#nc.publish(batch.subject, "", { reply: batch.replyOf(batch.sent + 1, "end") });
    } catch {
      // The connection is draining or closed; if it is neither, the question is asked again when its time is over.
    }
    return true;
  }

  /** It ends by itself. */
  #endComes(batch: FastBatch): void {
    this.#state = { kind: "ending", batch, isAsked: true };
  }

  #answer(msg: Msg): void {
    if (this.#state.kind === "idle") return;
    const { batch } = this.#state;
    const sequence = batch.sequenceOf(msg.subject);
    if (sequence === 0) return;
    if (isNoResponders(msg)) this.#unanswered(batch, sequence);
    else this.#read(batch, sequence, msg.data);
    this.#pump();
  }

  #read(batch: FastBatch, sequence: number, data: Uint8Array): void {
    const answer = this.#reader.read(data);
    switch (answer.kind) {
      case "flow":
        if (answer.interval > 0) batch.interval = answer.interval;
        return this.#stored(batch, answer.seq);
      case "gap":
        return this.#endComes(batch);
      case "refused":
        batch.refused ??= { sequence: answer.seq, error: answer.error };
        return this.#endComes(batch);
      case "batch":
        this.#backlog.learn(answer.ack.stream);
        return this.#ended(batch, answer.ack.count);
      case "error":
        return this.#error(batch, sequence, answer.error);
      case "stored":
      case "unknown":
        return this.failAll(new Error("the server does not know fast ingest: that needs nats-server 2.14"));
    }
  }

  #stored(batch: FastBatch, acked: number): void {
    if (acked <= batch.acked || acked > batch.sent) return;
    const count = acked - batch.acked;
    batch.acked = acked;
    batch.movedAt = this.#channel.ticker.now;
    this.#channel.pause.reset();
    this.#backlog.resolve(count);
  }

  /** The first `count` messages are stored, the others are not. */
  #ended(batch: FastBatch, count: number): void {
    const before = batch.acked;
    this.#stored(batch, count);
    const left = batch.unacked;
    this.#state = IDLE;
    if (left > 0) {
      this.#backlog.takeBack(left);
      if (batch.acked === before) this.#channel.pause.begin();
      this.#backlog.judgeFirst(batch);
    }
    if (this.#backlog.length > 0) return;
    this.#isHurried = false;
    this.#channel.ticker.stop();
  }

  /** There was no stream for this message. */
  #unanswered(batch: FastBatch, sequence: number): void {
    this.#channel.pause.begin();
    const cause = new NoRespondersError(batch.subject);
    if (sequence > 1) this.#askAgain(batch, cause);
    else this.#notBegun(batch, cause);
  }

  #error(batch: FastBatch, sequence: number, error: ApiErrorData): void {
    const isLater = isTemporary(error);
    if (isLater) this.#channel.pause.begin();
    if (sequence === 1) return this.#firstRefused(batch, error, isLater);
    // The messages before it may be stored; what the stream says of the batch's end goes for none of them.
    const isEnd = sequence > batch.sent;
    if (isBatchUnknown(error) || isUnsupported(error) || (isEnd && !isLater)) {
      return this.#forgotten(batch, new JetStreamApiError(error, "inDoubt"));
    }
    if (!isEnd) batch.refused ??= { sequence, error };
    this.#askAgain(batch, new JetStreamApiError(error, "inDoubt"));
  }

  #firstRefused(batch: FastBatch, error: ApiErrorData, isLater: boolean): void {
    if (isLater) return this.#notBegun(batch, new JetStreamApiError(error, "notStored"));
    this.#state = IDLE;
    this.#backlog.takeBack(batch.unacked);
    // A stream that takes no fast batches takes none of the other messages either.
    this.#backlog.refuse(isUnsupported(error) ? Infinity : 1, error);
  }

  /** Nothing of it was stored. */
  #notBegun(batch: FastBatch, cause: Error): void {
    const { unacked } = batch;
    this.#state = IDLE;
    this.#backlog.takeBack(unacked);
    this.#backlog.countRetry(unacked, cause);
  }

  /** Its end is asked for as often as a message is sent again. */
  #askAgain(batch: FastBatch, cause: Error): void {
    if (batch.asked > this.#options.retries) this.#forgotten(batch, cause);
    else this.#state = { kind: "ending", batch, isAsked: false };
  }

  /** The server does not know it any more, or does not say: what was not acknowledged may be stored. */
  #forgotten(batch: FastBatch, cause: Error): void {
    const { unacked, forbidden } = batch;
    this.#state = IDLE;
    if (unacked > 0) this.#channel.pause.begin();
    this.#backlog.doubt(unacked, cause, forbidden);
  }

  #tick(): void {
    const state = this.#state;
    if (state.kind !== "idle") {
      if (this.#channel.isUp()) this.#waitedFor(state.batch, state.kind === "ending");
    } else if (this.#backlog.length === 0) {
      this.#channel.ticker.stop();
    }
    this.#pump();
  }

  #waitedFor(batch: FastBatch, isEnding: boolean): void {
    const quiet = this.#channel.ticker.now - batch.movedAt;
    if (quiet > this.#options.timeout) {
      this.#askAgain(batch, new TimeoutError());
    } else if (!isEnding && quiet > 0 && batch.sent > 0 && this.#backlog.length === batch.unacked) {
      // Nothing more is there to be published: only its end tells of the last ones.
      this.#askAgain(batch, new TimeoutError());
    }
  }

  #reconnected(): void {
    if (this.#state.kind !== "idle") {
      const { batch } = this.#state;
      this.#state = batch.sent === 0 ? IDLE : { kind: "ending", batch, isAsked: false };
    }
    this.#pump();
  }

  /** The message is missing in its batch, which ends before it. */
  #forbidden(subject: string, error: Error): void {
    if (this.#state.kind === "idle") return;
    const { batch } = this.#state;
    if (!this.#backlog.hasSentTo(subject, batch.unacked)) return;
    batch.forbidden ??= { subject, error };
    this.#askAgain(batch, error);
    this.#pump();
  }
}

const IDLE: State = { kind: "idle" };

import { type Msg, NoRespondersError, TimeoutError } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../client/connection.ts";
import { JetStreamApiError, ReconnectBufferFullError } from "../errors.ts";
import type { HoldfastPublishOptions } from "../options.ts";
import type { Runtime } from "../runtime.ts";
import { publishBatch } from "./atomic-batch.ts";
import { Channel } from "./channel.ts";
import { DedupeWindow } from "./dedupe-window.ts";
import type { Engine, EngineListener } from "./engine.ts";
import { copyHeaders, MSG_ID } from "./headers.ts";
import { isNoResponders } from "./inbox.ts";
import type { ResolvedStreamOptions } from "./options.ts";
import {
  type AckedMessage,
  countRefusal,
  givenUp,
  Outstanding,
  readToken,
  storeState,
  type Token,
  tokenOf,
} from "./outstanding.ts";
import { AnswerReader, type ApiErrorData, type PubAck } from "./pub-ack.ts";
import { isInProcess, isTemporary } from "./verdicts.ts";

/**
 * Sends messages until the stream has answered for each of them.
 *
 *   publish ─▶ waiting ──▶ sent ──acknowledged, refused, given up──▶ settled
 *                 ▲          │ no responders, "later": after a pause
 *                 └──────────┘ timeout; a new connection
 *
 * What waits goes in the order of publishing, and nothing overtakes it. Each copy belongs to the connection it was made on (`maxAge: 0`):
 * the connection holds none of them through an outage and sends none twice, because everything without an acknowledgement is sent
 * again from here, under the same id.
 */
export class Sender implements Engine<PubAck> {
  readonly #nc: HoldfastConnection;
  readonly #runtime: Runtime;
  readonly #listener: EngineListener<PubAck>;
  readonly #outstanding = new Outstanding();
  readonly #reader = new AnswerReader();
  readonly #token: Token = { slot: 0, serial: 0, attempt: 0 };
  readonly #channel: Channel;
  readonly #window: DedupeWindow;
  /** In the order of publishing. */
  #waiting: AckedMessage[] = [];

  constructor(nc: HoldfastConnection, options: ResolvedStreamOptions, runtime: Runtime, listener: EngineListener<PubAck>) {
    this.#nc = nc;
    this.#runtime = runtime;
    this.#listener = listener;
    this.#window = new DedupeWindow(nc, options);
    this.#channel = new Channel(nc, options, runtime, "*", {
      answer: (msg, base) => this.#answer(msg, base),
      lost: (error) => this.failAll(error),
      reconnected: () => this.#resendAll(),
      refused: (subject, error) => this.#refused(subject, error),
      closed: (error) => listener.closed(error),
      tick: () => this.#tick(),
      pump: () => this.#pump(),
    });
  }

  /** Takes a message in: sent now, or when it can be. */
  send(message: AckedMessage): void {
    this.#outstanding.add(message);
    this.#channel.ticker.start();
    if (this.#waiting.length === 0 && this.#channel.isOpen()) this.#go(message);
    else this.#waiting.push(message);
  }

  /** Everything outstanding ends. */
  failAll(cause: Error): void {
    for (const message of this.#outstanding.inOrder()) this.#giveUp(message, cause);
  }

  /** Nothing is outstanding: the timer rests. */
  rest(): void {
    this.#channel.ticker.stop();
  }

  /** There is nothing to hurry: each message has its own acknowledgement. */
  hurry(): void {}

  stop(): void {
    this.#channel.stop();
  }

  #pump(): void {
    while (this.#waiting.length > 0 && this.#channel.isOpen()) {
      const message = this.#waiting.shift();
      if (message?.stage === "waiting") this.#resend(message);
    }
  }

  /** A message that may be stored goes again only as long as the stream knows its id. */
  #resend(message: AckedMessage): void {
    if (message.doubtSince === undefined) return this.#go(message);
    const memory = this.#window.ms;
    if (memory === undefined) {
      this.#waiting.unshift(message);
      return this.#channel.hold.until(this.#window.ask(message.subject));
    }
    if (message.msgID === undefined) return this.#giveUp(message, new Error("no acknowledgement came, and it has no id"));
    if (this.#runtime.now() - message.doubtSince > memory) {
      return this.#giveUp(message, new Error(`the stream may have forgotten its id after ${Math.round(memory)} ms`));
    }
    this.#go(message);
  }

  #go(message: AckedMessage): void {
    message.attempts++;
    message.stage = "sent";
    message.sentAt = this.#channel.ticker.now;
    try {
      this.#channel.inbox.open();
      const hasRoom = this.#publish(message);
      message.doubtSince ??= this.#runtime.now();
      if (message.verdict !== undefined) countRefusal(message, message.attempts);
      if (!hasRoom) this.#channel.hold.until(this.#nc.outbound.writable());
    } catch (error) {
      message.attempts--;
      this.#notSent(message, error instanceof Error ? error : new Error(String(error)));
    }
  }

  #publish(message: AckedMessage): boolean {
    const reply = this.#channel.inbox.base + tokenOf(message);
    if (message.verdict !== undefined) return this.#askById(message, reply);
    if (message.parts !== undefined) return publishBatch(this.#nc, message.parts, reply);
    const options: HoldfastPublishOptions = { reply, maxAge: 0 };
    if (message.headers !== undefined) options.headers = message.headers;
    else if (message.msgID !== undefined) options.msgId = message.msgID;
    return this.#nc.publish(message.subject, message.payload, options);
  }

  /**
   * Asks whether a copy of it is stored, and stores nothing: it has an expectation that is checked behind the ids and never holds. So it
   * is refused from the beginning.
   */
  #askById({ subject, msgID = "" }: AckedMessage, reply: string): boolean {
    const headers = copyHeaders(undefined);
    headers.set(MSG_ID, msgID);
    headers.set("Nats-Expected-Last-Msg-Id", `not ${msgID}`);
    return this.#nc.publish(subject, "", { reply, headers, maxAge: 0 });
  }

  /** The connection did not take it. */
  #notSent(message: AckedMessage, error: Error): void {
    if (!(error instanceof ReconnectBufferFullError)) return this.#reject(message, error);
    message.stage = "waiting";
    this.#waiting.unshift(message);
    this.#channel.hold.until(this.#nc.outbound.writable());
  }

  #answer(msg: Msg, base: number): void {
    const token = this.#token;
    if (!readToken(msg.subject, base, token)) return;
    const message = this.#outstanding.get(token.slot, token.serial);
    if (message === undefined) return;
    const ack = this.#reader.quick(msg.data);
    if (ack !== null) return this.#stored(message, ack);
    if (isNoResponders(msg)) return this.#later(message, token.attempt, new NoRespondersError(message.subject), true);
    // A batch has begun: what counts is how it ends.
    if (message.parts !== undefined && msg.data.length === 0) return;
    const answer = this.#reader.read(msg.data);
    switch (answer.kind) {
      case "stored":
        if (message.parts === undefined || message.verdict !== undefined) return this.#stored(message, answer.ack);
        return this.#giveUp(
          message,
          new Error("the server stored the messages of the batch one by one: that needs nats-server 2.12"),
        );
      case "batch":
        return this.#stored(message, answer.ack);
      case "error":
        return this.#error(message, token.attempt, answer.error);
      case "flow":
      case "gap":
      case "refused":
      case "unknown":
        return this.#giveUp(message, new Error("the answer is no acknowledgement of a stream"));
    }
  }

  #stored(message: AckedMessage, ack: PubAck): void {
    this.#window.learn(ack.stream);
    this.#channel.pause.reset();
    this.#forget(message);
    message.resolve(ack);
  }

  #error(message: AckedMessage, attempt: number, error: ApiErrorData): void {
    if (isInProcess(error)) return this.#later(message, attempt, new JetStreamApiError(error, "inDoubt"), false);
    if (isTemporary(error)) return this.#later(message, attempt, new JetStreamApiError(error, "notStored"), true);
    if (message.verdict !== undefined) return this.#sentenced(message, attempt, message.verdict);
    countRefusal(message, attempt);
    const state = storeState(message);
    const refused = new JetStreamApiError(error, state);
    if (state === "notStored" || message.msgID === undefined) return this.#reject(message, refused);
    message.verdict = refused;
    message.stage = "waiting";
    this.#queue([message]);
  }

  /** The stream does not know the id, so no copy is stored. */
  #sentenced(message: AckedMessage, attempt: number, verdict: JetStreamApiError): void {
    if (attempt !== message.attempts || message.stage !== "sent") return;
    this.#reject(message, new JetStreamApiError(verdict.apiError(), "notStored"));
  }

  /** Sends it again after a pause. `isRefused`: this copy is not stored. */
  #later(message: AckedMessage, attempt: number, cause: Error, isRefused: boolean): void {
    if (isRefused && message.verdict === undefined) countRefusal(message, attempt);
    if (message.stage !== "sent" || attempt !== message.attempts) return;
    if (message.retried >= message.retries) return this.#giveUp(message, cause);
    message.retried++;
    message.stage = "waiting";
    this.#channel.pause.begin();
    this.#queue([message]);
  }

  /** Whatever waits or is put back goes by the order of publishing. */
  #queue(messages: AckedMessage[]): void {
    this.#waiting.push(...messages);
    if (this.#waiting.length > messages.length || messages.length > 1) this.#waiting.sort((a, b) => a.serial - b.serial);
    this.#pump();
  }

  #tick(): void {
    if (this.#channel.isUp()) this.#timeOut();
    this.#pump();
  }

  #timeOut(): void {
    const now = this.#channel.ticker.now;
    const late = this.#outstanding.inOrder().filter(({ stage, sentAt, timeout }) => stage === "sent" && now - sentAt > timeout);
    const again: AckedMessage[] = [];
    for (const message of late) {
      if (message.retried >= message.retries) {
        this.#giveUp(message, new TimeoutError());
        continue;
      }
      message.retried++;
      message.stage = "waiting";
      again.push(message);
    }
    if (again.length > 0) this.#queue(again);
  }

  #resendAll(): void {
    const sent = this.#outstanding.inOrder().filter(({ stage }) => stage === "sent");
    for (const message of sent) message.stage = "waiting";
    this.#queue(sent);
  }

  /** One violation is one message refused; which of those to this subject it was, is not told. */
  #refused(subject: string, error: Error): void {
    for (const message of this.#outstanding.inOrder()) if (message.subject === subject) this.#giveUp(message, error);
  }

  #giveUp(message: AckedMessage, cause: Error): void {
    this.#reject(message, givenUp(message, cause));
  }

  #reject(message: AckedMessage, error: Error): void {
    this.#forget(message);
    message.reject(error);
  }

  /** It has ended: its promise is told next. */
  #forget(message: AckedMessage): void {
    message.stage = "settled";
    this.#outstanding.remove(message);
    this.#listener.settled(message);
  }
}

import type { MsgHdrs, Payload } from "@nats-io/nats-core";
import { type JetStreamApiError, type StoreState, StreamPublishError } from "../errors.ts";
import type { PubAck } from "./pub-ack.ts";

/** One message of an atomic batch. */
export interface BatchPart {
  readonly subject: string;
  readonly payload: Payload;
  readonly headers: MsgHdrs | undefined;
}

/** A message that is not acknowledged, and what became of it so far. `Result` is what its promise resolves with. */
export interface StreamMessage<Result> {
  readonly subject: string;
  /** The publisher's own copy. */
  readonly payload: Payload;
  readonly bytes: number;
  readonly headers: MsgHdrs | undefined;
  /** The messages of an atomic batch: `subject`, `headers` and `msgID` are then those of the last. */
  readonly parts: readonly BatchPart[] | undefined;
  /** Its `Nats-Msg-Id`: the same whenever it is sent. */
  readonly msgID: string | undefined;
  /** Its place among all that were published. */
  readonly serial: number;
  readonly timeout: number;
  readonly retries: number;
  /** Where it is kept; given by `Outstanding`. */
  slot: number;
  stage: "waiting" | "sent" | "settled";
  /** Copies sent. */
  attempts: number;
  /** Copies that the server said it did not store. */
  refusals: number;
  /** The last copy that it said so of: of a batch it says it twice. */
  lastRefused: number;
  /** How often it was sent again for another reason than a new connection. */
  retried: number;
  /** When the first copy went that may be stored, by `Runtime.now()`. */
  doubtSince: number | undefined;
  /** When the last copy went, in running time. */
  sentAt: number;
  /** What it is refused with, unless asking by its id shows that an earlier copy was stored. */
  verdict: JetStreamApiError | undefined;
  resolve(result: Result): void;
  reject(error: Error): void;
}

/** A message of a fast batch: it is acknowledged together with others. */
export type FastMessage = StreamMessage<void>;

/** What is known of a message, if it ends now. */
export function storeState(message: StreamMessage<never>): StoreState {
  return message.attempts > message.refusals ? "inDoubt" : "notStored";
}

/** The server did not store the copy `attempt`. */
export function countRefusal(message: StreamMessage<never>, attempt: number): void {
  if (attempt === message.lastRefused) return;
  message.lastRefused = attempt;
  message.refusals++;
  if (message.attempts === message.refusals) message.doubtSince = undefined;
}

/** What is rejected when a message is given up. */
export function givenUp(message: StreamMessage<never>, cause: Error): StreamPublishError {
  return new StreamPublishError(storeState(message), message.attempts, message.msgID, cause);
}

/** A message with an acknowledgement of its own. */
export type AckedMessage = StreamMessage<PubAck>;

/** Messages by slot. A slot is used again, but the serial number tells whose answer it is, so a late one finds nothing. */
export class Outstanding {
  readonly #slots: (AckedMessage | undefined)[] = [];
  readonly #free: number[] = [];

  add(message: AckedMessage): void {
    message.slot = this.#free.pop() ?? this.#slots.length;
    this.#slots[message.slot] = message;
  }

  get(slot: number, serial: number): AckedMessage | undefined {
    const message = this.#slots[slot];
    return message?.serial === serial ? message : undefined;
  }

  remove(message: AckedMessage): void {
    this.#slots[message.slot] = undefined;
    this.#free.push(message.slot);
  }

  /** All of them, in the order of publishing. */
  inOrder(): AckedMessage[] {
    const messages: AckedMessage[] = [];
    for (const message of this.#slots) if (message !== undefined) messages.push(message);
    return messages.sort((a, b) => a.serial - b.serial);
  }
}

/** What a reply subject has behind the inbox: `<slot>-<serial>`, and `-<attempt>` from the second copy on. */
export interface Token {
  slot: number;
  serial: number;
  attempt: number;
}

export function tokenOf({ slot, serial, attempts }: AckedMessage): string {
  return attempts > 1 ? `${slot}-${serial}-${attempts}` : `${slot}-${serial}`;
}

/** Reads a token from `start` on into `token`, without making anything; false if it is none. */
export function readToken(subject: string, start: number, token: Token): boolean {
  token.slot = 0;
  token.serial = 0;
  token.attempt = 1;
  let field = 0;
  let value = 0;
  for (let at = start; at < subject.length; at++) {
    const code = subject.charCodeAt(at);
    if (code === DASH) {
      if (field === 0) token.slot = value;
      else token.serial = value;
      field++;
      value = 0;
    } else if (code >= ZERO && code <= NINE) {
      value = value * 10 + code - ZERO;
    } else {
      return false;
    }
  }
  if (field === 1) token.serial = value;
  else token.attempt = value;
  return field === 1 || field === 2;
}

const DASH = 45;
const ZERO = 48;
const NINE = 57;

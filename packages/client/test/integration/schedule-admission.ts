import { type Amount, ReconnectBufferFullError } from "../../src/errors.ts";
import type { OutboundOptions } from "../../src/options.ts";
import type { Counts } from "../../src/outbound/counts.ts";
import type { Content } from "./schedule-messages.ts";
import type { Announced } from "./schedule-steps.ts";

/** What decides whether a message is taken in. */
export interface Admission {
  readonly options: OutboundOptions;
  /** Everything that any INFO announced so far. */
  readonly announced: readonly Announced[];
}

/** A publish or request: the client before and after it, and what it returned or threw. */
export interface Offered {
  readonly before: { readonly counts: Counts; readonly held: Amount; readonly usable: boolean };
  readonly after: { readonly counts: Counts; readonly held: Amount };
  readonly result: boolean | Error | undefined;
  /** Of the frame, if known. */
  readonly bytes: number | undefined;
  readonly content: Content;
  readonly isRequest: boolean;
  /** There is no connection. */
  readonly isDown: boolean;
}

/** What is wrong with the way it was taken in or refused; null if nothing is. */
export function judge(rules: Admission, offered: Offered): string | null {
  const { before, after, result, bytes, content } = offered;
  const accepted = after.counts.accepted - before.counts.accepted;
  if (result instanceof Error)
    return accepted === 0 ? judgeError(rules, offered, result) : `threw ${result.message}, and was accepted`;
  if (accepted === 0) return result === undefined ? null : "was not accepted, and nothing was thrown";
  const limit = limitInForce(rules.options, before.usable);
  const dropped = after.counts.dropped - before.counts.dropped;
  const expired = after.counts.expired - before.counts.expired;
  const grew = after.held.messages - before.held.messages;
  if (content.bound && offered.isDown) {
    return expired >= 1 && dropped === 0 && grew === 1 - expired && result !== false
      ? null
      : "is bound to a connection, and did not expire at once";
  }
  const exceeded = bytes !== undefined && exceeds(before.held, bytes, limit);
  if (isReserved(offered)) return judgeReserved(rules, offered, limit, exceeded);
  if (exceeded && rules.options.reconnectBuffer.whenFull === "error") return "was accepted beyond the limit";
  if (exceeded && rules.options.reconnectBuffer.whenFull === "drop-newest") {
    return dropped === 1 && grew === 0 && result !== true ? null : "is too much, and was not dropped";
  }
  if (exceeded && dropped === 0) return "is too much, and nothing was dropped for it";
  if (bytes !== undefined && !exceeded && dropped > 0) return "dropped something that there was room for";
  const isDropped = rules.options.reconnectBuffer.whenFull === "drop-newest" && dropped === 1;
  if (isDropped) return result === true ? "was dropped, and returned true" : null;
  if (exceeds(after.held, 0, limit, 0))
    return `was accepted, and ${after.held.bytes} bytes in ${after.held.messages} messages are held`;
  return judgeGrowth(rules, offered, exceeded);
}

/** What may use the reserve takes nothing away from others, and is never refused. */
function judgeReserved(rules: Admission, offered: Offered, limit: Amount, exceeded: boolean): string | null {
  const { before, after, result, bytes } = offered;
  const dropped = after.counts.dropped - before.counts.dropped;
  const beyond = { messages: limit.messages + RESERVE.messages, bytes: limit.bytes + RESERVE.bytes };
  if (bytes !== undefined && exceeds(before.held, bytes, beyond))
    return dropped === 1 && result !== true ? null : "is beyond the reserve, and was not dropped";
  if (dropped > 0) return exceeded ? "had the reserve, and something was dropped" : "dropped something that there was room for";
  if (exceeds(after.held, 0, beyond, 0)) return `was accepted beyond the reserve: ${JSON.stringify(after.held)}`;
  return judgeGrowth(rules, offered, exceeded);
}

function judgeGrowth(rules: Admission, { before, after, result, bytes }: Offered, exceeded: boolean): string | null {
  const expired = after.counts.expired - before.counts.expired;
  const grew = after.held.messages - before.held.messages;
  // With `maxAge` older ones may have expired in the same call.
  if (
    !before.usable &&
    !exceeded &&
    expired === 0 &&
    bytes !== undefined &&
    after.counts.inDoubt === before.counts.inDoubt &&
    (grew !== 1 || after.held.bytes - before.held.bytes !== bytes)
  ) {
    return `has ${bytes} bytes, and held grew by ${after.held.bytes - before.held.bytes} in ${grew} messages`;
  }
  if (typeof result === "boolean" && result === isHigh(rules.options, after.held)) return `returned ${result}`;
  return null;
}

function judgeError(rules: Admission, offered: Offered, error: Error): string | null {
  const { before, after, content } = offered;
  // Where only the client knows it, as much as it may be.
  const { bytes = content.bytes.length + content.block.length + 300 } = offered;
  const { refused: refusedBefore, ...restBefore } = before.counts;
  const { refused: refusedAfter, ...restAfter } = after.counts;
  if (JSON.stringify(restBefore) !== JSON.stringify(restAfter)) return `threw ${error.message}, and changed the counts`;
  if (refusedAfter === refusedBefore)
    return error.name === "ClosedConnectionError" || error.name === "DrainingConnectionError" ? null : `threw ${error}`;
  if (!(error instanceof ReconnectBufferFullError)) {
    return /max_payload|headers/.test(error.message) && rules.announced.length > 0 ? null : `threw ${error}`;
  }
  const limit = limitInForce(rules.options, before.usable);
  const { whenFull } = rules.options.reconnectBuffer;
  if (content.bound && offered.isDown) return "is bound to a connection, and was refused";
  if (isReserved(offered)) return "may use the reserve, and was refused";
  if (!exceeds(before.held, bytes, limit)) return `was refused below the limit: ${error.message}`;
  const fitsAlone = !exceeds({ messages: 0, bytes: 0 }, bytes, limit);
  if (whenFull === "drop-newest" && fitsAlone) return "was refused under drop-newest";
  return null;
}

/** A refused request told so by its promise. */
export function refusalIsRight(error: ReconnectBufferFullError): boolean {
  return exceeds(error.held, error.asked.bytes, error.limit);
}

export function limitInForce({ reconnectBuffer, maxQueued }: OutboundOptions, usable: boolean): Amount {
  const queued = { messages: maxQueued.maxMessages, bytes: maxQueued.maxBytes };
  if (usable) return queued;
  const buffer = reconnectBuffer.enabled ? reconnectBuffer : { maxMessages: 0, maxBytes: 0 };
  return { messages: Math.min(queued.messages, buffer.maxMessages), bytes: Math.min(queued.bytes, buffer.maxBytes) };
}

/** Above 70 % of the limit that holds without a connection; with `reconnectBuffer: false`, of `maxQueued`. */
export function isHigh(options: OutboundOptions, held: Amount): boolean {
  const mark = markOf(options);
  return held.bytes > mark.bytes * 0.7 || held.messages > mark.messages * 0.7;
}

/** Below half of it. */
export function isLow(options: OutboundOptions, held: Amount): boolean {
  const mark = markOf(options);
  return held.bytes < mark.bytes * 0.5 && held.messages < mark.messages * 0.5;
}

function markOf(options: OutboundOptions): Amount {
  return limitInForce(options, !options.reconnectBuffer.enabled);
}

function isReserved({ content, isRequest }: Offered): boolean {
  return content.reserved || isRequest;
}

function exceeds(held: Amount, bytes: number, limit: Amount, messages = 1): boolean {
  return held.bytes + bytes > limit.bytes || held.messages + messages > limit.messages;
}

const RESERVE: Amount = { messages: 4096, bytes: 1024 * 1024 };

import type { ApiErrorData } from "./pub-ack.ts";

/**
 * Errors of JetStream that say "later": the message was not stored, and may be if it is sent again.
 * 10008: temporarily unavailable; 10009: not the leader; 10063: the sequences of the cluster do not match, at a change of leader;
 * 10167: too many requests, the stream's queue is full; 10176: a message of an atomic batch is missing; 10210, 10211: too many batches.
 */
export function isTemporary({ err_code }: ApiErrorData): boolean {
  return TEMPORARY.has(err_code);
}

/** A copy with the same id is being stored: its own answer is to come, and later ones will say duplicate. */
export function isInProcess({ err_code }: ApiErrorData): boolean {
  return err_code === 10158;
}

/** The server does not know the fast batch: it never began, was left alone for ten seconds, or its memory is gone. */
export function isBatchUnknown({ err_code }: ApiErrorData): boolean {
  return err_code === 10208;
}

/** The stream takes no batches of this kind. 10174: atomic; 10205: fast. */
export function isUnsupported({ err_code }: ApiErrorData): boolean {
  return err_code === 10174 || err_code === 10205;
}

const TEMPORARY: ReadonlySet<number> = new Set([10008, 10009, 10063, 10167, 10176, 10210, 10211]);

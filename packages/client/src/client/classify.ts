import { type MsgHdrs, MsgHdrsImpl } from "@nats-io/nats-core";
import type { Inboxes } from "../inbound/inboxes.ts";
import type { Treatment } from "../outbound/treatment.ts";

/**
 * How a publish differs from a plain one (docs/DESIGN.md section 4), by its content alone; undefined for a plain one.
 *
 * - It belongs to the connection it is made on: it asks a server for something that a later connection has no use for, and would do
 *   harm there. So it is not held while there is no connection, and not sent again. These are pulls, `….CONSUMER.MSG.NEXT.…`, also
 *   behind a domain (`$JS.hub.API.…`) or another API prefix (a new pull follows the reconnect); JetStream's flow control, `$JS.FC.…`;
 *   `+WPI` and `+NXT` to `$JS.ACK.…` (the first is late, the second is a pull); one message of an atomic batch (header
 *   `Nats-Batch-Id`) or of a fast batch (reply `….$FI`), because a batch with a hole must not go on.
 * - Its answers come to one of our own inboxes: it is a request made by hand, and is not sent again, as requests are not.
 * - It is traffic of JetStream or of a module on top of it, `$JS.…`, or the kind before: it may use the reserve.
 *
 * Costs an ordinary publish one look at its first character and one at its reply.
 */
export function classify(
  subject: string,
  reply: string,
  headers: MsgHdrs | undefined,
  payload: Uint8Array | string,
  inboxes: Inboxes,
): Treatment | undefined {
  const isJetStreams = subject.charCodeAt(0) === DOLLAR && subject.startsWith("$JS.");
  // What carries its own subject as its reply, as `respondMessage()` does, waits for no answer.
  const isAnsweredHere = reply !== "" && reply !== subject && inboxes.has(reply);
  if (belongsToConnection(subject, reply, headers, payload)) return isJetStreams || isAnsweredHere ? BOUND_RESERVED : BOUND;
  if (isAnsweredHere) return ASKING;
  return isJetStreams ? RESERVED : undefined;
}

/** Whether a message without reply and headers can be anything but a plain one: what `classify()` looks at first. */
export function mayBeSpecial(subject: string): boolean {
  return subject.charCodeAt(0) === DOLLAR;
}

/** The same for an answer, which may use the reserve whatever it is. */
export function asResponse(treatment: Treatment | undefined): Treatment {
  if (treatment === undefined) return RESERVED;
  return treatment.reserved === true ? treatment : { ...treatment, reserved: true };
}

/** The treatment of a request that is one message of an atomic batch; undefined for any other request. */
export function classifyRequest(headers: MsgHdrs | undefined): Treatment | undefined {
  return headers !== undefined && isInBatch(headers) ? BOUND_RESERVED : undefined;
}

function belongsToConnection(
  subject: string,
  reply: string,
  headers: MsgHdrs | undefined,
  payload: Uint8Array | string,
): boolean {
  if (subject.charCodeAt(0) === DOLLAR) {
    if (subject.startsWith("$JS.FC.")) return true;
    if (subject.startsWith("$JS.ACK.") && isWorkingOrNext(payload)) return true;
  }
  if (reply !== "" && (subject.includes(".CONSUMER.MSG.NEXT.") || reply.endsWith(".$FI"))) return true;
  return headers !== undefined && isInBatch(headers);
}

function isInBatch(headers: MsgHdrs): boolean {
  // nats-core's has() makes two arrays first.
  return headers instanceof MsgHdrsImpl ? headers.headers.has(BATCH_ID) : headers.has(BATCH_ID);
}

/** `+WPI` is the whole payload; `+NXT` may be followed by what is asked for. */
function isWorkingOrNext(payload: Uint8Array | string): boolean {
  if (payload.length < 4) return false;
  const verb = typeof payload === "string" ? payload.slice(0, 4) : String.fromCharCode(...payload.subarray(0, 4));
  return verb === "+NXT" || (verb === "+WPI" && payload.length === 4);
}

const DOLLAR = 36;
const BATCH_ID = "Nats-Batch-Id";
const BOUND: Treatment = Object.freeze({ bound: true, delivery: "at-most-once" });
const BOUND_RESERVED: Treatment = Object.freeze({ bound: true, reserved: true, delivery: "at-most-once" });
const ASKING: Treatment = Object.freeze({ reserved: true, delivery: "at-most-once" });
const RESERVED: Treatment = Object.freeze({ reserved: true });

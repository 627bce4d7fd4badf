import type { MsgHdrs } from "@nats-io/nats-core";

/**
 * Whether a publish belongs to the connection it is made on (docs/DESIGN.md section 4): it asks a server for something that a
 * later connection has no use for, and would do harm there. So it is never held while there is no connection.
 *
 * - a pull, `$JS.API.CONSUMER.MSG.NEXT.…`, also behind a domain (`$JS.hub.API.…`) or another API prefix: a new pull follows the
 *   reconnect;
 * - JetStream's flow control, `$JS.FC.…`;
 * - `+WPI` and `+NXT` to `$JS.ACK.…`: the first is late, the second is a pull;
 * - one message of an atomic batch (header `Nats-Batch-Id`) or of a fast batch (reply `….$FI`): a batch with a hole must not go
 *   on.
 *
 * Costs an ordinary publish one look at its first character.
 */
export function belongsToConnection(
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

/** One message of an atomic batch. Also for requests, which otherwise wait for a connection. */
export function isInBatch(headers: MsgHdrs): boolean {
  return headers.has("Nats-Batch-Id");
}

/** `+WPI` is the whole payload; `+NXT` may be followed by what is asked for. */
function isWorkingOrNext(payload: Uint8Array | string): boolean {
  if (payload.length < 4) return false;
  const verb = typeof payload === "string" ? payload.slice(0, 4) : String.fromCharCode(...payload.subarray(0, 4));
  return verb === "+NXT" || (verb === "+WPI" && payload.length === 4);
}

const DOLLAR = 36;

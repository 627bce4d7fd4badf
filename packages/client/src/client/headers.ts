import { InvalidArgumentError, type MsgHdrs, MsgHdrsImpl, nuid, type PublishOptions } from "@nats-io/nats-core";

/** nats-core's options for message tracing. */
export type TraceOptions = Pick<PublishOptions, "traceDestination" | "traceOnly">;

/**
 * The headers of a message as a `NATS/1.0` block, or null when it has none. Tracing adds two headers, and `msgId` adds `Nats-Msg-Id`
 * if there is none ("auto": a unique one); they go to a copy, because what the caller passed is never written to. Throws
 * `InvalidArgumentError` when `headers` is not a `MsgHdrs`.
 */
export function encodeHeaders(headers: MsgHdrs | undefined, trace: TraceOptions | undefined, msgId?: string): Uint8Array | null {
  if (headers !== undefined) checkHeaders(headers);
  const destination = typeof trace?.traceDestination === "string" ? trace.traceDestination : undefined;
  const isTraced = trace?.traceOnly === true || destination !== undefined;
  const isNamed = msgId !== undefined && headers?.has(MSG_ID) !== true;
  if (headers === undefined && !isTraced && !isNamed) return null;
  const all = isTraced || isNamed || !(headers instanceof MsgHdrsImpl) ? copyHeaders(headers) : headers;
  if (isNamed) all.set(MSG_ID, msgId === "auto" ? nuid.next() : msgId);
  if (trace?.traceOnly === true) all.set("Nats-Trace-Only", "true");
  if (destination !== undefined) all.set("Nats-Trace-Dest", destination);
  const block = all.encode();
  return block.length === 0 ? null : block;
}

/**
 * The headers of a message that is handed back. Names that nats-core would not accept today are kept: this is for looking at.
 */
export function decodeHeaders(block: Uint8Array): MsgHdrs {
  try {
    return MsgHdrsImpl.decode(block);
  } catch {
    return MsgHdrsImpl.fromRecord(recordOf(new TextDecoder().decode(block)));
  }
}

function copyHeaders(headers: MsgHdrs | undefined): MsgHdrsImpl {
  const copy = new MsgHdrsImpl(headers?.code ?? 0, headers?.description ?? "");
  for (const [name, values] of headers ?? []) for (const value of values) copy.append(name, value);
  return copy;
}

/** A `MsgHdrs` of another copy of nats-core is as good as one of ours; a plain object is a mistake that is easy to make. */
function checkHeaders(headers: MsgHdrs): void {
  const isHeaders = typeof headers === "object" && headers !== null && Symbol.iterator in headers && "code" in headers;
  if (!isHeaders) throw InvalidArgumentError.format("headers", "must be made by headers(), as MsgHdrs");
}

function recordOf(block: string): Record<string, string[]> {
  const record: Record<string, string[]> = {};
  for (const line of block.split("\r\n").slice(1)) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const name = line.slice(0, colon);
    record[name] = [...(record[name] ?? []), line.slice(colon + 1).trim()];
  }
  return record;
}

/** By this header a stream tells a second copy of a message from a new one. */
const MSG_ID = "Nats-Msg-Id";

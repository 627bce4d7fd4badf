/** Bytes as a server writes them, built without our encoder, and a handler that writes down what the parser reports. */
import type { RawMessage, ServerEvents } from "../../src/protocol/events.ts";
import { Parser } from "../../src/protocol/parse.ts";

/** One message as a server would send it. */
export interface ServerMessage {
  readonly subject: string;
  readonly sid: number;
  readonly reply?: string;
  /** With headers it is an HMSG. */
  readonly headers?: Uint8Array;
  readonly data: Uint8Array;
}

/** How the control line is written. */
export interface Spelling {
  readonly verb: (verb: string) => string;
  readonly gap: string;
  readonly lineEnd: string;
}

const usual: Spelling = { verb: (verb) => verb, gap: " ", lineEnd: "\r\n" };

export function message(m: ServerMessage, spelling: Spelling = usual): Buffer {
  const total = (m.headers?.length ?? 0) + m.data.length;
  const fields = [spelling.verb(m.headers ? "HMSG" : "MSG"), m.subject, String(m.sid)];
  if (m.reply !== undefined) fields.push(m.reply);
  if (m.headers) fields.push(String(m.headers.length));
  fields.push(String(total));
  const line = fields.join(spelling.gap) + spelling.lineEnd;
  return Buffer.concat([Buffer.from(line, "utf8"), m.headers ?? Buffer.alloc(0), m.data, Buffer.from("\r\n")]);
}

export function line(text: string, lineEnd = "\r\n"): Buffer {
  return Buffer.from(text + lineEnd, "utf8");
}

/** What was reported, copied at the moment of the event. */
export type Seen =
  | { readonly kind: "info" | "error"; readonly text: string }
  | { readonly kind: "ping" | "pong" | "ok" }
  | {
      readonly kind: "message";
      readonly subject: string;
      readonly sid: number;
      readonly reply: string | undefined;
      readonly headers: string;
      readonly data: string;
    };

export interface Recorder extends ServerEvents {
  readonly seen: Seen[];
}

export function recorder(): Recorder {
  const seen: Seen[] = [];
  return {
    seen,
    info: (json) => void seen.push({ kind: "info", text: json }),
    message: (raw) => void seen.push(copyOf(raw)),
    ping: () => void seen.push({ kind: "ping" }),
    pong: () => void seen.push({ kind: "pong" }),
    ok: () => void seen.push({ kind: "ok" }),
    error: (text) => void seen.push({ kind: "error", text }),
  };
}

/** What `message()` must be reported as. */
export function seenAs(m: ServerMessage): Seen {
  return {
    kind: "message",
    subject: m.subject,
    sid: m.sid,
    reply: m.reply,
    headers: Buffer.from(m.headers ?? []).toString("latin1"),
    data: Buffer.from(m.data).toString("latin1"),
  };
}

function copyOf(raw: RawMessage): Seen {
  const bytes = Buffer.from(raw.bytes);
  return {
    kind: "message",
    subject: bytes.toString("utf8", raw.subjectStart, raw.subjectEnd),
    sid: raw.sid,
    reply: raw.replyStart === raw.replyEnd ? undefined : bytes.toString("utf8", raw.replyStart, raw.replyEnd),
    headers: bytes.toString("latin1", raw.headersStart, raw.payloadStart),
    data: bytes.toString("latin1", raw.payloadStart, raw.payloadEnd),
  };
}

/** Cuts at the given offsets; those out of range are taken modulo the length. */
export function cutAt(stream: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  const sorted = offsets.map((offset) => offset % (stream.length + 1)).sort((a, b) => a - b);
  const chunks: Uint8Array[] = [];
  let from = 0;
  for (const to of [...sorted, stream.length]) {
    chunks.push(stream.subarray(from, to));
    from = to;
  }
  return chunks;
}

export function singleBytes(stream: Uint8Array): Uint8Array[] {
  return Array.from(stream, (_, i) => stream.subarray(i, i + 1));
}

/** Everything reported for these chunks, and the error that ended it, if one did. */
export function parseAll(
  chunks: readonly Uint8Array[],
  limits: ConstructorParameters<typeof Parser>[1] = {},
): { seen: Seen[]; error: unknown } {
  const events = recorder();
  const parser = new Parser(events, limits);
  try {
    for (const chunk of chunks) parser.parse(chunk);
    return { seen: events.seen, error: undefined };
  } catch (error) {
    return { seen: events.seen, error };
  }
}

/** What is published: every message has its number at the end of its subject, and content that can be told from any other's. */
import { headers, type MsgHdrs } from "@nats-io/nats-core";
import type { WireFrame } from "../../src/testing/wire-reader.ts";
import { type Class, nothingOwn, type Own } from "./schedule-steps.ts";

/** A message as the caller gives it, and as it must look on the wire. */
export interface Content {
  readonly id: number;
  readonly subject: string;
  /** Empty for none; null: an inbox of the client's choice. */
  readonly reply: string | null;
  readonly headers: MsgHdrs | undefined;
  /** The header block on the wire; empty for none. */
  readonly block: string;
  readonly payload: string | Uint8Array;
  readonly bytes: Uint8Array;
  /** It belongs to the connection. */
  readonly bound: boolean;
  /** It may use the reserve. */
  readonly reserved: boolean;
  /** It is never sent again, unless the caller says otherwise. */
  readonly never: boolean;
  readonly own: Own;
}

/** What is asked for; `id` is the message's number. */
export interface Wanted {
  readonly id: number;
  readonly size: number;
  readonly text?: boolean;
  readonly headers?: boolean;
  readonly reply?: boolean;
  readonly cls?: Class;
  readonly own?: Own;
}

export function contentOf(wanted: Wanted): Content {
  const { id, cls = "plain", own = nothingOwn } = wanted;
  const plain = {
    id,
    subject: `m.${id}`,
    reply: wanted.reply === true ? `r.${id}` : "",
    ...headersOf(wanted.headers === true ? "A" : undefined),
    ...payloadOf(id, wanted.size, wanted.text === true),
    bound: own.maxAge === 0,
    reserved: false,
    never: own.maxAge === 0,
    own,
  };
  const bound = { bound: true, never: true };
  switch (cls) {
    case "plain":
      return plain;
    case "subject":
      return { ...plain, subject: `p.${id % 3}`, ...said(`#${id}#`.padEnd(Math.min(wanted.size, 3000), ".")) };
    case "reply":
      return { ...plain, reply: `q.${id % 3}` };
    case "ack":
      return { ...plain, subject: `$JS.ACK.S.${id}`, ...said("+ACK"), reserved: true };
    case "api":
      return { ...plain, subject: `$JS.API.X.${id}`, reserved: true };
    case "inbox":
      return { ...plain, reply: `_INBOX.own.${id}`, reserved: true, never: true };
    case "next":
      return { ...plain, subject: `$JS.API.CONSUMER.MSG.NEXT.S.${id}`, reply: `r.${id}`, reserved: true, ...bound };
    case "flowControl":
      return { ...plain, subject: `$JS.FC.S.${id}`, reserved: true, ...bound };
    case "working":
      return { ...plain, subject: `$JS.ACK.S.${id}`, ...said("+WPI"), reserved: true, ...bound };
    case "nextAck":
      return { ...plain, subject: `$JS.ACK.S.${id}`, ...said('+NXT {"batch":1}'), reserved: true, ...bound };
    case "batch":
      return { ...plain, ...headersOf("Nats-Batch-Id"), ...bound };
    case "fast":
      return { ...plain, reply: `f.${id}.$FI`, ...bound };
  }
}

/** The number of a message by its subject or, where many share that, by the beginning of its payload; NaN for one that is none of ours. */
export function idOf(subject: string, payload: Uint8Array): number {
  if (subject.startsWith("p.")) return Number.parseInt(Buffer.from(payload.subarray(1, 12)).toString("latin1"), 10);
  if (subject.startsWith("m.")) return Number(subject.slice(2));
  return Number(/^\$JS\..+\.(\d+)$/.exec(subject)?.[1]);
}

/** Bytes of the whole frame; undefined while the reply subject is not known. */
export function frameBytes({ subject, reply, block, bytes, own }: Content): number | undefined {
  if (reply === null || own.msgId) return undefined;
  const total = block.length + bytes.length;
  const sizes = block === "" ? `${total}` : `${block.length} ${total}`;
  const line = `${block === "" ? "PUB" : "HPUB"} ${subject} ${reply === "" ? "" : `${reply} `}${sizes}\r\n`;
  return line.length + total + 2;
}

/** How a frame differs from what was published; null if it does not. */
export function differenceOnWire(content: Content, frame: WireFrame): string | null {
  const { args, headers: block, payload } = frame;
  const reply = args.length > (block === null ? 2 : 3) ? (args[1] ?? "") : "";
  const seen = block === null ? "" : Buffer.from(block).toString();
  if (content.reply !== null && reply !== content.reply) return `reply ${reply}`;
  if (content.own.msgId ? !hasMsgId(content.block, seen) : seen !== content.block) return `headers ${JSON.stringify(seen)}`;
  return differenceOfBytes(content, payload ?? new Uint8Array(0));
}

/** The same for a message that was handed back. */
export function differenceOnReturn(
  content: Content,
  back: { reply?: string; headers?: MsgHdrs; data: Uint8Array },
): string | null {
  if (content.reply !== null && (back.reply ?? "") !== content.reply) return `reply ${back.reply}`;
  if ((back.headers === undefined) !== (content.block === "" && !content.own.msgId)) return `headers ${back.headers}`;
  for (const name of content.headers?.keys() ?? []) if (back.headers?.get(name) !== "b") return `header ${name}`;
  return differenceOfBytes(content, back.data);
}

/** Whether `seen` is `block` and a `Nats-Msg-Id`. */
function hasMsgId(block: string, seen: string): boolean {
  const without = seen.replace(/Nats-Msg-Id: ?\S+\r\n/, "");
  return without !== seen && without === (block === "" ? "NATS/1.0\r\n\r\n" : block);
}

function differenceOfBytes(content: Content, seen: Uint8Array): string | null {
  if (Buffer.compare(content.bytes, seen) === 0) return null;
  const at = content.bytes.findIndex((byte, i) => byte !== seen[i]);
  return `payload of ${seen.length} bytes, not ${content.bytes.length}; first difference at ${at}`;
}

function headersOf(name: string | undefined): { headers: MsgHdrs | undefined; block: string } {
  if (name === undefined) return { headers: undefined, block: "" };
  const made = headers();
  made.set(name, "b");
  return { headers: made, block: `NATS/1.0\r\n${name}: b\r\n\r\n` };
}

function payloadOf(id: number, size: number, text: boolean): { payload: string | Uint8Array; bytes: Uint8Array } {
  const at = (id * 37) % 1000;
  if (text) return said(TEXT.slice(at, at + size));
  const payload = BYTES.subarray(at, at + size);
  return { payload, bytes: payload };
}

function said(text: string): { payload: string; bytes: Uint8Array } {
  return { payload: text, bytes: Buffer.from(text) };
}

/** Looks like the protocol itself: a reader that loses its place finds frames. The counter makes every piece unlike its neighbours. */
const BYTES: Uint8Array = Buffer.from(
  Array.from({ length: 20_000 }, (_, i) => `PUB m.${i} 2\r\n${i % 10}\r\n`).join(""),
).subarray(0, 301_000);
const TEXT: string = Array.from({ length: 30_000 }, (_, i) => `${i}ä line\r\n`)
  .join("")
  .slice(0, 301_000);

import type { RawMessage, ServerEvents } from "../../src/protocol/events.ts";
import { Parser } from "../../src/protocol/parse.ts";

/** What the parser reports for one MSG or HMSG on the wire, in a slab of `slabBytes` like those that sockets read into. */
export function rawMessage(wire: string, slabBytes = 0): RawMessage {
  const frame = new TextEncoder().encode(wire);
  const slab = Buffer.alloc(Math.max(slabBytes, frame.length));
  slab.set(frame);
  let found: RawMessage | undefined;
  const ignore = (): void => {};
  const events: ServerEvents = {
    info: ignore,
    ping: ignore,
    pong: ignore,
    ok: ignore,
    error: ignore,
    message: (raw) => {
      found = { ...raw };
    },
  };
  new Parser(events).parse(slab.subarray(0, frame.length));
  if (found === undefined) throw new Error(`no whole message: ${wire}`);
  return found;
}

/** An HMSG with these header lines. */
export function hmsg(subject: string, reply: string, headers: string, payload: string, sid = 1): string {
  const block = `NATS/1.0${headers}\r\n\r\n`;
  const size = Buffer.byteLength(block);
  const total = size + Buffer.byteLength(payload);
  return `HMSG ${subject} ${sid} ${reply === "" ? "" : `${reply} `}${size} ${total}\r\n${block}${payload}\r\n`;
}

/** A MSG. */
export function msg(subject: string, reply: string, payload: string, sid = 1): string {
  return `MSG ${subject} ${sid} ${reply === "" ? "" : `${reply} `}${Buffer.byteLength(payload)}\r\n${payload}\r\n`;
}

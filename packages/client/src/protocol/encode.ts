/** What a client sends, as bytes. Nothing is checked here: subjects, replies and queues have passed `subjects.ts`. */

/** The server's heartbeat question, and ours. Shared: never write to it. */
export const PING: Uint8Array = Buffer.from("PING\r\n");

/** The answer to a PING. Shared: never write to it. */
export const PONG: Uint8Array = Buffer.from("PONG\r\n");

/** `SUB <subject> [queue] <sid>\r\n`; `queue` is empty for none. */
export function encodeSub(subject: string, queue: string, sid: number): Uint8Array {
  return Buffer.from(queue === "" ? `SUB ${subject} ${sid}\r\n` : `SUB ${subject} ${queue} ${sid}\r\n`);
}

/** `UNSUB <sid> [max]\r\n`. With `max` the server ends the subscription once it has sent that many messages on it, ever. */
export function encodeUnsub(sid: number, max?: number): Uint8Array {
  return Buffer.from(max === undefined ? `UNSUB ${sid}\r\n` : `UNSUB ${sid} ${max}\r\n`);
}

/** `CONNECT <json>\r\n`. JSON escapes line ends inside strings, so the line stays one line. Undefined members are left out. */
export function encodeConnect(options: object): Uint8Array {
  return Buffer.from(`CONNECT ${JSON.stringify(options)}\r\n`);
}

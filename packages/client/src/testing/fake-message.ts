/** A message for `FakeConnection.message()`. */
export interface FakeMessage {
  readonly sid: string | number;
  readonly subject: string;
  readonly reply?: string;
  /** A whole header block: `NATS/1.0\r\nName: value\r\n\r\n`. With it the message goes as HMSG. */
  readonly headers?: string | Uint8Array;
  readonly payload?: string | Uint8Array;
}

/** `MSG …`, or `HMSG …` with headers, as it goes to a client. */
export function encodeMessage({ sid, subject, reply, headers, payload = "" }: FakeMessage): Uint8Array {
  const body = Buffer.from(payload);
  const head = reply === undefined ? `${subject} ${sid}` : `${subject} ${sid} ${reply}`;
  if (headers === undefined) {
    return Buffer.concat([Buffer.from(`MSG ${head} ${body.length}\r\n`), body, Buffer.from("\r\n")]);
  }
  const block = Buffer.from(headers);
  const line = Buffer.from(`HMSG ${head} ${block.length} ${block.length + body.length}\r\n`);
  return Buffer.concat([line, block, body, Buffer.from("\r\n")]);
}

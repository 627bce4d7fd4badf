/**
 * A message as one line of JSON: what `pub --undelivered` and `sub --json` write and `pub --from` reads.
 *
 *   {"subject":"a.b","reply":"c","headers":{"K":["v"]},"data":"text"}
 *   {"subject":"a.b","data_base64":"/wA=","state":"inDoubt","error":"…","ageMs":12}
 */
import type { MsgHdrs } from "holdfast";
import { headersFromObject, headersToObject } from "./headers.ts";

/** A message that is to be published. */
export interface Draft {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly reply?: string;
  readonly headers?: MsgHdrs;
}

/** What else stands in the line, behind the message. */
export type RecordExtras = Readonly<Record<string, string | number>>;

/** One line, without its end. Data that is not UTF-8 is written as base64, so that every byte comes back. */
export function toRecord(message: Draft, extras: RecordExtras = {}): string {
  const { subject, reply, headers, data } = message;
  return JSON.stringify({
    subject,
    ...(reply === undefined || reply === "" ? {} : { reply }),
    ...(headers === undefined ? {} : { headers: headersToObject(headers) }),
    ...dataFields(data),
    ...extras,
  });
}

/** The message in a line. Throws, with what is wrong with it. Fields that it does not know are passed over. */
export function fromRecord(line: string): Draft {
  const { subject, reply, headers, data, data_base64: base64 } = objectIn(line);
  if (typeof subject !== "string" || subject === "") throw new Error('"subject" must be a string that is not empty');
  if (reply !== undefined && typeof reply !== "string") throw new Error('"reply" must be a string');
  if (headers !== undefined && !isObject(headers)) throw new Error('"headers" must be an object');
  const parsed = headers === undefined ? undefined : headersFromObject(headers, "header");
  return {
    subject,
    data: dataIn(data, base64),
    ...(reply === undefined || reply === "" ? {} : { reply }),
    ...(parsed === undefined ? {} : { headers: parsed }),
  };
}

/** `data` when the bytes are UTF-8, otherwise `data_base64`. */
function dataFields(data: Uint8Array): { readonly data: string } | { readonly data_base64: string } {
  try {
    return { data: strict.decode(data) };
  } catch {
    return { data_base64: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64") };
  }
}

function objectIn(line: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error("is not JSON");
  }
  if (isObject(value)) return value;
  throw new Error("is not a JSON object");
}

function dataIn(text: unknown, base64: unknown): Uint8Array {
  if (text !== undefined && base64 !== undefined) throw new Error('has both "data" and "data_base64"');
  if (typeof text === "string") return new TextEncoder().encode(text);
  if (typeof base64 !== "string") throw new Error('needs "data" or "data_base64", a string');
  const bytes = Buffer.from(base64, "base64");
  // Node passes over what is not base64; then something would be published that nobody wrote.
  if (bytes.toString("base64").replace(/=+$/, "") !== base64.replace(/=+$/, "")) throw new Error('"data_base64" is not base64');
  return bytes;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `ignoreBOM`: a byte order mark is data, too. */
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

import { invalidOption, isOptionsObject, kindOf, readBoolean } from "./option-checks.ts";
import type { SecureOptions } from "./transport/transport.ts";

/** A list of certificates, each of them an object with a passphrase: nothing in `tls.connect()` nests deeper. */
const NESTING = 3;

/**
 * The option `tls`, copied. `undefined` and `false`: TLS where the server offers it; `null`: never; `true` and objects: always. (nats.js
 * takes `true` and `false` so, too.) Absent fields are left out. Unknown ones are kept for `node:tls`; bytes and lists are copied, other
 * objects (a `SecureContext`) are the caller's own. Values are never told in errors: they are keys.
 */
export function resolveTls(value: unknown): SecureOptions | null | undefined {
  if (value === null) {
    return null;
  }
  if (value === undefined || value === false || value === "") {
    return undefined;
  }
  if (value === true) {
    return Object.freeze({});
  }
  if (!isOptionsObject(value)) {
    throw invalidOption("tls", "an object with TLS options, or null for no TLS", kindOf(value));
  }
  return decodeTls(Object.entries(value).filter(([name, field]) => !isAbsent(name, field)));
}

/** An empty path or certificate counts as none in nats.js; an empty `servername` means something to `node:tls`. */
function isAbsent(name: string, field: unknown): boolean {
  return field === undefined || field === null || (field === "" && (isPath(name) || isPem(name)));
}

function decodeTls(fields: readonly (readonly [string, unknown])[]): SecureOptions {
  for (const [name, field] of fields) {
    checkField(`tls.${name}`, name, field);
  }
  return Object.freeze(Object.fromEntries(fields.map(([name, field]) => [name, frozenCopy(field, NESTING)])));
}

/** Only the fields that nats.js or we look at ourselves; the others are judged by `node:tls` at the dial. */
function checkField(path: string, name: string, field: unknown): void {
  if (name === "handshakeFirst" || name === "rejectUnauthorized") {
    readBoolean(path, field);
  }
  if (isPath(name) && typeof field !== "string") {
    throw invalidOption(path, "the path of a PEM file", kindOf(field));
  }
  // Nobody's path; and errors about a file that cannot be read tell its path.
  if (isPath(name) && typeof field === "string" && field.includes("-----BEGIN")) {
    throw invalidOption(path, `the path of a PEM file (${path.slice(0, -"File".length)} takes its content)`, "PEM text");
  }
  if (isPem(name) && typeof field !== "string" && !ArrayBuffer.isView(field) && !Array.isArray(field)) {
    throw invalidOption(path, "PEM text, or bytes or a list that node:tls takes", kindOf(field));
  }
}

function isPath(name: string): boolean {
  return name === "certFile" || name === "keyFile" || name === "caFile";
}

function isPem(name: string): boolean {
  return name === "cert" || name === "key" || name === "ca";
}

/** Frozen, except bytes: those cannot be frozen, but the copy is ours alone (the caller may wipe a key after `connect()`). */
function frozenCopy(value: unknown, depth: number): unknown {
  if (value instanceof Uint8Array) {
    return Uint8Array.prototype.slice.call(value); // keeps a Buffer a Buffer
  }
  if (depth > 0 && Array.isArray(value)) {
    return Object.freeze(value.map((each) => frozenCopy(each, depth - 1)));
  }
  if (depth > 0 && isPlain(value)) {
    return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, each]) => [key, frozenCopy(each, depth - 1)])));
  }
  return value;
}

/** An instance of a class must stay what it is. */
function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

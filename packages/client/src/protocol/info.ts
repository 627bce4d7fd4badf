import { ProtocolError, type ServerInfo } from "@nats-io/nats-core";

/**
 * The JSON of an INFO as nats-core's `ServerInfo`, with every member that the server sent but those that are `null`.
 *
 * What the client acts on is checked: a member that it could not work with is a `ProtocolError` which names it. Only `connect_urls` is left
 * out instead, unless it is an array of strings: gossip is no reason to lose a connection. A `max_payload` of -1, by which a server says
 * that it has no limit, becomes 999 999 999, the largest size that its parser reads.
 */
export function parseInfo(json: string): ServerInfo {
  const { connect_urls: urls, ...members } = parseObject(json);
  checkVersion(members.version);
  for (const [member, type] of OPTIONAL) {
    const value = members[member];
    if (value !== undefined && typeof value !== type) throw badMember(member, `a ${type}`, value);
  }
  const info = {
    ...members,
    max_payload: readMaxPayload(members.max_payload),
    ...(isStrings(urls) ? { connect_urls: urls } : {}),
  };
  // Members that nothing here reads (`go`, `host`, `server_id`...) are passed on as they came.
  return info as unknown as ServerInfo;
}

function parseObject(json: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new ProtocolError(`INFO from the server is not JSON: ${shorten(json)}`, { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ProtocolError(`INFO from the server is not a JSON object: ${shorten(json)}`);
  }
  const entries = Object.entries(value).filter(([, member]) => member !== null);
  // The texts of the INFO before, where they are the same: those of many connections to one server take half a KiB each.
  last = Object.fromEntries(entries.map(([name, member]) => [name, last[name] === member ? last[name] : member]));
  return last;
}

/** nats-core's modules ask for features by version and throw on one that does not have three numbers. */
function checkVersion(version: unknown): void {
  if (typeof version !== "string" || !/\d+\.\d+\.\d+/.test(version))
    throw badMember("version", 'a string like "2.10.0"', version);
}

function readMaxPayload(value: unknown): number {
  if (value === -1) return LARGEST_SIZE;
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw badMember("max_payload", "a positive integer (or -1 for no limit)", value);
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function badMember(member: string, allowed: string, value: unknown): ProtocolError {
  return new ProtocolError(`INFO from the server: ${member} must be ${allowed}, got ${shorten(JSON.stringify(value))}`);
}

/** `JSON.stringify(undefined)` is undefined. Quoted, so that control characters never reach a terminal. */
function shorten(text: string | undefined): string {
  if (text === undefined) return "nothing";
  return text.length > MAX_SHOWN ? `${JSON.stringify(text.slice(0, MAX_SHOWN))}...` : JSON.stringify(text);
}

const OPTIONAL: readonly (readonly [member: string, type: "boolean" | "number" | "string"])[] = [
  ["auth_required", "boolean"],
  ["tls_required", "boolean"],
  ["tls_available", "boolean"],
  ["tls_verify", "boolean"],
  ["headers", "boolean"],
  ["jetstream", "boolean"],
  ["ldm", "boolean"],
  ["nonce", "string"],
  ["cluster", "string"],
  ["client_ip", "string"],
  ["client_id", "number"],
  ["proto", "number"],
];
/** The members of the last INFO that was read. */
let last: Readonly<Record<string, unknown>> = {};
const LARGEST_SIZE = 999_999_999;
const MAX_SHOWN = 64;

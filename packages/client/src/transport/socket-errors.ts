import { ConnectionError } from "@nats-io/nats-core";
import type { Endpoint } from "./transport.ts";

/** Why a dial failed. The message of a refused connection is nats.js's; every other one says where it was to go. */
export function dialError(endpoint: Endpoint, cause: unknown): ConnectionError {
  if (codeOf(cause) === "ECONNREFUSED") return new ConnectionError("connection refused", { cause });
  return new ConnectionError(`cannot connect to ${address(endpoint)}: ${explain(cause)}`, { cause });
}

/** Why an open link ended. */
export function lostError(endpoint: Endpoint, cause: unknown): ConnectionError {
  return new ConnectionError(`connection to ${address(endpoint)} lost: ${explain(cause)}`, { cause });
}

/** Why a host name has no address. */
export function resolveError(hostname: string, cause: unknown): ConnectionError {
  return new ConnectionError(`cannot resolve the host name ${JSON.stringify(hostname)}: ${explain(cause)}`, { cause });
}

/** `host:port`. Endpoints carry no credentials, so none can get into a message. */
export function address(endpoint: Endpoint): string {
  const host = endpoint.hostname.includes(":") ? `[${endpoint.hostname}]` : endpoint.hostname;
  return `${host}:${endpoint.port}`;
}

/**
 * The message: of OpenSSL's only the reason, of Node's about an argument not what it was; of an AggregateError (one error for each address
 * tried; its own message is empty) those of its parts.
 */
export function explain(cause: unknown): string {
  if (cause instanceof AggregateError && cause.message === "") return cause.errors.map(explain).join("; ");
  if (isArgumentError(cause)) return cause.message.replace(/ Received .*/s, "");
  if (cause instanceof Error) return reasonOf(cause) ?? (cause.message === "" ? (codeOf(cause) ?? cause.name) : cause.message);
  return String(cause);
}

/** Node's error about an argument of the wrong type. It tells the value, which may be a passphrase or a key: it is nobody's cause. */
export function isArgumentError(cause: unknown): cause is Error {
  return cause instanceof Error && codeOf(cause)?.startsWith("ERR_INVALID_ARG") === true;
}

/** What OpenSSL has against it, without the addresses in memory and the source files that stand around it in its message. */
function reasonOf(cause: Error): string | undefined {
  return "reason" in cause && typeof cause.reason === "string" && "library" in cause ? cause.reason : undefined;
}

/** The `code` that Node gives its errors. */
export function codeOf(cause: unknown): string | undefined {
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
}

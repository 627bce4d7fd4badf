import { AuthorizationError, PermissionViolationError, ProtocolError, UserAuthenticationExpiredError } from "@nats-io/nats-core";

/**
 * What an `-ERR` is about:
 * - `permission`: one operation was refused by its permissions. The connection goes on.
 * - `operation`: one operation was refused for another reason (a bad subject, too many subscriptions). The connection goes on.
 * - `frame`: something we sent broke a limit or the protocol. The server closes.
 * - `auth`: credentials are missing, wrong, expired or revoked. The server closes.
 * - `connection`: the server does not want or keep this connection for a reason of its own. The server closes.
 * - `unknown`: none of those known from nats-server 2.9 to 2.15. Whether it closes will show by itself.
 */
export type ServerErrorKind = "permission" | "operation" | "frame" | "auth" | "connection" | "unknown";

/** The text of an `-ERR` as nats-core's error, as nats.js does it: permissions, then expiry, then authorization, else `ProtocolError`. */
export function parseServerError(text: string): Error {
  return (
    PermissionViolationError.parse(text) ??
    UserAuthenticationExpiredError.parse(text) ??
    AuthorizationError.parse(text) ??
    new ProtocolError(text)
  );
}

/** Which kind an `-ERR` is. By the beginning of its text, never by a part of it: the text may quote a subject of anybody's choice. */
export function serverErrorKind(text: string): ServerErrorKind {
  const start = text.slice(0, LONGEST).toLowerCase();
  for (const [beginning, kind] of KNOWN) {
    if (start.startsWith(beginning)) return kind;
  }
  return "unknown";
}

/** Whether the server closes the connection after this `-ERR`. False for an unknown one: its close, if it comes, speaks for itself. */
export function isFatal(text: string): boolean {
  const kind = serverErrorKind(text);
  switch (kind) {
    case "frame":
    case "auth":
    case "connection":
      return true;
    case "permission":
    case "operation":
    case "unknown":
      return false;
  }
}

/**
 * What nats-server 2.15 sends to clients (its `sendErr` calls and `errProto`), in lower case, and four texts of older releases. A publish
 * that its parser cannot read, or headers that it does not support, end the connection without any `-ERR`.
 */
const KNOWN: readonly (readonly [beginning: string, kind: ServerErrorKind])[] = [
  ["permissions violation", "permission"],
  ["invalid subject", "operation"],
  ["invalid publish subject", "operation"],
  // Sent for a SUB too many. If the account's limit shrinks below what there is, the server closes 20 ms after it.
  ["maximum subscriptions exceeded", "operation"],
  ["maximum payload", "frame"],
  ["maximum control line exceeded", "frame"],
  ["unknown protocol operation", "frame"],
  ["parser error", "frame"],
  ["authorization violation", "auth"],
  ["authentication timeout", "auth"],
  ["authorization timeout", "auth"],
  ["user authentication expired", "auth"],
  ["user authentication revoked", "auth"],
  ["account authentication expired", "auth"],
  ["stale connection", "connection"],
  ["slow consumer", "connection"],
  ["maximum connections exceeded", "connection"],
  ["maximum account active connections exceeded", "connection"],
  ["connection throttling is active", "connection"],
  ["failed account registration", "connection"],
  ["secure connection - tls required", "connection"],
  ["invalid client protocol", "connection"],
  ["no responders requires headers support", "connection"],
  ["attempted to connect to", "connection"],
  ["server shutdown", "connection"],
];
const LONGEST = 64;

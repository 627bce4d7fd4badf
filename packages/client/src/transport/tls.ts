import { isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { ConnectionError } from "@nats-io/nats-core";
import { address, codeOf, explain, isArgumentError } from "./socket-errors.ts";
import { describeSource, explainCredentials, readTlsOptions } from "./tls-options.ts";
import type { Endpoint, SecureOptions } from "./transport.ts";

/**
 * Upgrades a connected socket to TLS, resolving when the handshake is done and the server's certificate was accepted. What the
 * caller's files hold is read anew. Rejects with a ConnectionError that names the cause, and the option that is to blame where one
 * is; whether `raw` is then destroyed is the caller's business. The socket above `raw` is not flowing when it is handed over.
 */
export async function startTls(raw: Socket, options: SecureOptions, endpoint: Endpoint): Promise<TLSSocket> {
  const settings = await unlessClosed(raw, endpoint, readTlsOptions(options));
  return handshake(raw, settings, options, endpoint);
}

/** `work`, or a rejection if `raw` closes first: an aborted dial does not wait for a slow disk. */
function unlessClosed<T>(raw: Socket, endpoint: Endpoint, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(handshakeError(endpoint, new Error("the connection closed before it began")));
    if (raw.destroyed) closed();
    raw.once("close", closed);
    work.then(resolve, reject).finally(() => raw.off("close", closed));
  });
}

function handshake(raw: Socket, settings: ConnectionOptions, options: SecureOptions, endpoint: Endpoint): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = begin(raw, settings, options, endpoint);
    const closed = (): void => reject(handshakeError(endpoint, new Error("the server closed the connection")));
    // Stays: an error without a listener would end the process.
    socket.on("error", (cause) => reject(handshakeError(endpoint, cause, options)));
    socket.once("close", closed);
    socket.once("secureConnect", () => {
      socket.off("close", closed);
      resolve(socket);
    });
  });
}

/** `tls.connect()` throws when certificate or key cannot be used. */
function begin(raw: Socket, settings: ConnectionOptions, options: SecureOptions, endpoint: Endpoint): TLSSocket {
  const name = endpoint.tlsName === "" ? endpoint.hostname : endpoint.tlsName;
  try {
    // `host` is what the certificate is held against; `servername` is what we tell the server, and RFC 6066 has no IP addresses there.
    const serverName = isIP(name) === 0 ? { servername: name } : {};
    return connect({ ...serverName, ...settings, host: name, socket: raw });
  } catch (cause) {
    const reason = explainCredentials(settings, options) ?? explain(cause);
    throw new ConnectionError(`TLS with ${address(endpoint)}: ${reason}`, isArgumentError(cause) ? {} : { cause });
  }
}

/** OpenSSL's names for "I know nobody who vouches for this certificate". */
const untrusted: ReadonlySet<string | undefined> = new Set([
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

function handshakeError(endpoint: Endpoint, cause: unknown, options: SecureOptions = {}): ConnectionError {
  const failed = `TLS handshake with ${address(endpoint)} failed: ${explain(cause)}`;
  return new ConnectionError(`${failed}${hintFor(codeOf(cause), options)}`, { cause });
}

function hintFor(code: string | undefined, options: SecureOptions): string {
  if (untrusted.has(code)) return ` (trusted are the authorities of ${describeSource(options, "ca")})`;
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER" && options.handshakeFirst === true)
    return " (the server does not begin with TLS: leave out tls.handshakeFirst)";
  return "";
}

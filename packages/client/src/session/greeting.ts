import { type Auth, ConnectionError, type ServerInfo } from "@nats-io/nats-core";
import type { ResolvedOptions } from "../options.ts";
import { encodeConnect } from "../protocol/encode.ts";
import type { SecureOptions } from "../transport/transport.ts";

/** What the server's operator reads about this client in its connection list (`/connz`). The server accepts any text. */
export const LANG = "holdfast";
/** The version in CONNECT; a test holds it against package.json. */
export const VERSION = "0.1.0";

/** The options that decide what is said to the server. */
export type GreetingOptions = Pick<ResolvedOptions, "tls" | "noEcho" | "verbose" | "pedantic" | "name" | "authenticator">;

/**
 * What to upgrade the connection with now that the server's first INFO is here; undefined: go on as it is. Throws `ConnectionError`
 * where the options and the server cannot be brought together.
 */
export function tlsFor(info: ServerInfo, options: GreetingOptions, encrypted: boolean): SecureOptions | undefined {
  if (options.noEcho && !(info.proto >= 1)) throw new ConnectionError("server does not support 'noEcho'");
  if (encrypted) return undefined;
  const offered = info.tls_required === true || info.tls_available === true;
  if (options.tls === null) {
    if (info.tls_required === true)
      throw new ConnectionError("server requires 'tls', and the option 'tls' is null (never use TLS)");
    return undefined;
  }
  // Never in the clear when TLS was asked for: somebody in between may have taken the offer out of the INFO.
  if (options.tls !== undefined && !offered) throw new ConnectionError("server does not support 'tls'");
  return offered ? (options.tls ?? {}) : undefined;
}

/**
 * ```
 *   CONNECT {"protocol":1,"lang":…,"verbose":…,"user":…}\r\n
 * ```
 *
 * with what the authenticator answers to the server's nonce; `fromUrl`, the credentials in the server's URL, where it has no answer.
 * Throws what the authenticator throws.
 */
export function connectLine(info: ServerInfo, options: GreetingOptions, fromUrl?: Auth): Uint8Array {
  const credentials = answered(options.authenticator(info.nonce)) ?? fromUrl;
  return encodeConnect({
    protocol: 1,
    version: VERSION,
    lang: LANG,
    verbose: options.verbose,
    pedantic: options.pedantic,
    echo: options.noEcho ? false : undefined,
    tls_required: options.tls ? true : undefined,
    name: options.name,
    // A server without headers refuses a client that asks for no-responders notices, which are headers.
    headers: info.headers === true ? true : undefined,
    no_responders: info.headers === true ? true : undefined,
    ...credentials,
  });
}

/** nats-core's authenticator for several answers an empty object when none of them has an answer. */
function answered(credentials: Auth): Auth {
  return credentials && Object.keys(credentials).length > 0 ? credentials : undefined;
}

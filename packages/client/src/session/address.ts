import { InvalidArgumentError, type TokenAuth, type UserPass } from "@nats-io/nats-core";

/** Where a server listens, taken from text such as `nats://demo.nats.io:4222`. */
export interface Address {
  /** Host name or IP address, without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** `host:port`, IPv6 in brackets; two texts for the same place give the same `listen`. */
  readonly listen: string;
}

/**
 * Reads a server as nats-core does: the scheme and what follows the port are ignored, the port defaults to 4222, IPv6 needs brackets
 * only where a port follows, IPv4 written as IPv6 (`::ffff:10.0.0.1`) becomes IPv4. User and password in the text are no part of the
 * address (nats-core fails on some of them): `credentialsIn()` reads those.
 *
 * Throws `InvalidArgumentError`, which never shows what stood before the `@`.
 */
export function parseAddress(text: string): Address {
  if (typeof text !== "string")
    throw InvalidArgumentError.format("servers", `must be strings such as "host:4222", not ${typeof text}`);
  const place = mappedToIPv4(withoutScheme(withoutCredentials(text.trim())));
  const isV6 = looksLikeIPv6(place);
  const bracketed = isV6 && !place.includes("[") ? `[${place}]` : place;
  const digits = (isV6 ? /\]:(\d+)/ : /:(\d+)/).exec(bracketed)?.[1];
  const port = digits === undefined ? DEFAULT_PORT : Number.parseInt(digits, 10);
  try {
    return throughUrl(bracketed, port);
  } catch {
    // No `cause`: the error of `URL` carries its whole input, which tells no more than this.
    throw InvalidArgumentError.format("servers", `has an entry that is not host:port: "${withoutCredentials(text.trim())}"`);
  }
}

/** The text without `user:password@` or `token@`, for everything that is shown. */
export function withoutCredentials(text: string): string {
  const { scheme, place } = split(text);
  return scheme + place;
}

/** What stands in a server's text before the `@`, percent-decoded: `user:password`, or a token. */
export function credentialsIn(text: string): UserPass | TokenAuth | undefined {
  const { userInfo } = split(text.trim());
  if (userInfo === "") return undefined;
  const colon = userInfo.indexOf(":");
  if (colon < 0) return { auth_token: decoded(userInfo) };
  return { user: decoded(userInfo.slice(0, colon)), pass: decoded(userInfo.slice(colon + 1)) };
}

/** The address of an IP that a name resolved to. */
export function addressOfIp(ip: string, port: number): Address {
  return throughUrl(ip.includes(":") ? `[${ip}]` : ip, port);
}

/** Whether a host name (without brackets) is an IP address and so needs no resolving. */
export function isIp(hostname: string): boolean {
  // A colon cannot stand in a host name that `parseAddress()` let through.
  return hostname.includes(":") || IPV4.test(hostname);
}

interface Split {
  /** With its `://`; empty where there is none. */
  readonly scheme: string;
  readonly userInfo: string;
  readonly place: string;
}

function split(text: string): Split {
  // The last "@" anywhere: a password with a "/" or "@" in it must not leave a piece of itself behind.
  const at = text.lastIndexOf("@");
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0] ?? "";
  if (at < 0) return { scheme, userInfo: "", place: text.slice(scheme.length) };
  return { scheme, userInfo: text.slice(scheme.length, at), place: text.slice(at + 1) };
}

/** A "%" that begins no escape stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function withoutScheme(text: string): string {
  const end = text.lastIndexOf("://");
  return end < 0 ? text : text.slice(end + 3);
}

function mappedToIPv4(place: string): string {
  const at = place.toUpperCase().indexOf(MAPPED);
  if (at < 0 || !place.includes(".")) return place;
  return place
    .slice(at + MAPPED.length)
    .replace("[", "")
    .replace("]", "");
}

function looksLikeIPv6(place: string): boolean {
  if (place.includes("[") || place.includes("::")) return true;
  return !place.includes(".") && place.split(":").length > 2;
}

function throughUrl(place: string, port: number): Address {
  // URL leaves out the port that belongs to its scheme, so take the scheme whose port it is not.
  const url = new URL(`${port === 80 ? "https" : "http"}://${place}`);
  url.port = String(port);
  return { hostname: url.hostname.replace(/^\[|\]$/g, ""), port, listen: url.host };
}

const DEFAULT_PORT = 4222;
const MAPPED = "::FFFF:";
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

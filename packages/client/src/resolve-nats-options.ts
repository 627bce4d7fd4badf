import {
  type Authenticator,
  buildAuthenticator,
  createInbox,
  InvalidArgumentError,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from "@nats-io/nats-core";
import { invalidOption, isWithin, kindOf, LARGEST, type NumberRange, printable, readFunction } from "./option-checks.ts";
import { resolveTls } from "./option-tls.ts";
import type { HoldfastOptions, ResolvedOptions } from "./options.ts";

/** Options as the caller gave them, each read once. */
type Given = Readonly<Record<string, unknown>>;
type Name = keyof HoldfastOptions;
type OwnName = "outbound" | "closeTimeout" | "retryOnFailedConnect" | "failRequestsOnDisconnect" | "onUndelivered";

const HOST = "127.0.0.1";
const DEFAULT_PORT = 4222;

const duration: NumberRange = { min: 0, max: LARGEST, whole: false, allowed: "a finite number of milliseconds from 0" };
const orDefault: NumberRange = { ...duration, allowed: `${duration.allowed} (0 for the default)` };
const pings: NumberRange = {
  min: 0,
  max: Infinity,
  whole: true,
  allowed: "a whole number from 0 (0 for the default), or Infinity",
};
const attempts: NumberRange = { min: 0, max: Infinity, whole: false, allowed: "a number from 0, or -1 for no limit" };
const ports: NumberRange = { min: 0, max: 65_535, whole: true, allowed: "a whole number from 1 to 65535" };

/**
 * nats-core's options with nats-core's defaults, `maxReconnectAttempts` excepted (-1). Everything that nats.js takes and works with is
 * taken: `undefined`, `null` and `""` are absent, 1 and 0 are booleans, a string of digits is a number, a credential may be a function
 * that is called at every dial. What nats.js takes and then misunderstands without a word (`timeout: "abc"`, a negative interval, NaN)
 * throws `InvalidArgumentError`.
 */
export function resolveNatsOptions(given: Given): Omit<ResolvedOptions, OwnName> {
  return {
    servers: Object.freeze(readServers(given.servers, readPort(given))),
    noRandomize: flag("noRandomize", given, false),
    ignoreClusterUpdates: flag("ignoreClusterUpdates", given, false),
    resolve: flag("resolve", given, true),
    reconnectToServer: optionalFunction("reconnectToServer", given),
    timeout: number("timeout", given, 20_000, orDefault) || 20_000,
    reconnect: flag("reconnect", given, true),
    maxReconnectAttempts: readAttempts(given),
    reconnectTimeWait: number("reconnectTimeWait", given, 2_000, duration),
    reconnectJitter: number("reconnectJitter", given, 100, duration),
    reconnectJitterTLS: number("reconnectJitterTLS", given, 1_000, duration),
    reconnectDelayHandler: optionalFunction("reconnectDelayHandler", given),
    waitOnFirstConnect: flag("waitOnFirstConnect", given, false),
    pingInterval: number("pingInterval", given, 120_000, orDefault) || 120_000,
    maxPingOut: number("maxPingOut", given, 2, pings) || 2,
    ignoreAuthErrorAbort: flag("ignoreAuthErrorAbort", given, false),
    tls: resolveTls(given.tls),
    authenticator: readAuthenticator(given),
    name: readName(given.name),
    verbose: flag("verbose", given, false),
    pedantic: flag("pedantic", given, false),
    noEcho: flag("noEcho", given, false),
    debug: flag("debug", given, false),
    inboxPrefix: readInboxPrefix(given.inboxPrefix),
    noAsyncTraces: flag("noAsyncTraces", given, false),
  };
}

function readServers(value: unknown, port: number): string[] {
  const servers: readonly unknown[] = isAbsent(value) ? [] : Array.isArray(value) ? value : [value];
  if (servers.length > 0 && port > 0) {
    throw InvalidArgumentError.format(["servers", "port"], "are mutually exclusive: both were given, give one of them");
  }
  if (servers.length === 0) {
    return [`${HOST}:${port === 0 ? DEFAULT_PORT : port}`];
  }
  // Array.from also visits the holes of a sparse array.
  return Array.from(servers, (server, at) => readServer(Array.isArray(value) ? `servers[${at}]` : "servers", server));
}

function readServer(path: string, server: unknown): string {
  if (typeof server !== "string" || server.trim() === "") {
    throw invalidOption(path, 'a string such as "nats://127.0.0.1:4222"', printable(server));
  }
  if (/^\s*wss?:\/\//i.test(server)) {
    // nats.js's own words first: programs look for them.
    const hint = `use the 'wsconnect' function instead: ${printable(withoutUser(server))} was given`;
    throw InvalidArgumentError.format("servers", `node client doesn't support websockets, ${hint}`);
  }
  return server;
}

/** A server's address for an error message: whatever stands before an `@` may be a password. */
function withoutUser(server: string): string {
  const scheme = server.slice(0, server.indexOf("//") + 2);
  const user = server.lastIndexOf("@");
  return user === -1 ? server : `${scheme}***${server.slice(user)}`;
}

/** 0 where there is none, as in nats.js. */
function readPort(given: Given): number {
  return number("port", given, 0, ports);
}

function readAttempts(given: Given): number {
  const value = numeric(given.maxReconnectAttempts);
  if (value === -1 || value === Infinity) {
    return -1; // one spelling for "no limit"
  }
  return number("maxReconnectAttempts", given, -1, attempts);
}

/**
 * All of them in one, in nats-core's order: `authenticator`, `token`, `user` and `pass`; later ones overwrite fields of earlier ones.
 * `pass` without `user` is ignored, as in nats.js.
 */
function readAuthenticator(given: Given): Authenticator {
  const all = readAuthenticators(given.authenticator);
  const token = readSecret("token", given.token);
  const user = readSecret("user", given.user);
  const pass = readSecret("pass", given.pass);
  if (token !== undefined) {
    all.push(tokenAuthenticator(token));
  }
  if (user !== undefined) {
    all.push(usernamePasswordAuthenticator(user, pass));
  }
  return Object.freeze(buildAuthenticator({ authenticator: all }));
}

function readAuthenticators(value: unknown): Authenticator[] {
  if (isAbsent(value)) {
    return [];
  }
  if (Array.isArray(value)) {
    return Array.from(value, (each: unknown, at) => readFunction<Authenticator>(`authenticator[${at}]`, each));
  }
  if (typeof value !== "function") {
    throw invalidOption("authenticator", "a function or an array of functions", kindOf(value));
  }
  return [readFunction<Authenticator>("authenticator", value)];
}

/** A string, or a function that gives one. The value never goes into an error. */
function readSecret(name: Name, value: unknown): string | (() => string) | undefined {
  if (isAbsent(value)) {
    return undefined;
  }
  if (typeof value === "string") {
    return value;
  }
  if (typeof value === "function") {
    return readFunction<() => string>(name, value);
  }
  throw invalidOption(name, "a string, or a function that returns one", kindOf(value));
}

/** The server refuses a CONNECT whose name is not a string. */
function readName(value: unknown): string | undefined {
  if (isAbsent(value)) {
    return undefined;
  }
  if (typeof value !== "string") {
    throw invalidOption("name", "a string", printable(value));
  }
  return value;
}

/** nats-core's rule (no wildcard tokens), and what no server takes: white space, an empty token. */
function readInboxPrefix(value: unknown): string {
  if (isAbsent(value)) {
    return "_INBOX";
  }
  if (typeof value !== "string" || /[\s\0]/.test(value) || value.split(".").includes("")) {
    throw invalidOption("inboxPrefix", "a subject prefix: words without white space, joined by single dots", printable(value));
  }
  try {
    createInbox(value);
  } catch (error) {
    // nats-core's own words stay in it: programs look for them. They quote the prefix, which is not bounded by anything else.
    const why = error instanceof Error ? error.message.slice(0, 200) : "it cannot begin a subject";
    throw InvalidArgumentError.format("inboxPrefix", `cannot be used: ${why}`);
  }
  return value;
}

function optionalFunction<F extends (...args: never[]) => unknown>(name: Name, given: Given): F | undefined {
  const value = given[name];
  return isAbsent(value) ? undefined : readFunction<F>(name, value);
}

function flag(name: Name, given: Given, fallback: boolean): boolean {
  const value = given[name];
  if (isAbsent(value)) {
    return fallback;
  }
  if (value === true || value === 1) {
    return true;
  }
  if (value === false || value === 0) {
    return false;
  }
  throw invalidOption(name, "true or false", printable(value));
}

function number(name: Name, given: Given, fallback: number, range: NumberRange): number {
  if (isAbsent(given[name])) {
    return fallback;
  }
  const value = numeric(given[name]);
  if (typeof value !== "number" || !isWithin(value, range)) {
    throw invalidOption(name, range.allowed, printable(given[name]));
  }
  return value === 0 ? 0 : value; // not -0
}

/** A string of digits as the number it stands for: options often come from the environment. */
function numeric(value: unknown): unknown {
  return typeof value === "string" && /^\s*-?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

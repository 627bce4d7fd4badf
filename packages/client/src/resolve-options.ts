import { InvalidArgumentError } from "@nats-io/nats-core";
import {
  invalidOption,
  isOptionsObject,
  isWithin,
  kindOf,
  LARGEST,
  type NumberRange,
  printable,
  readBoolean,
  readFunction,
  readKeys,
  readNumber,
  readWord,
} from "./option-checks.ts";
import { warnOfMisspelt } from "./option-names.ts";
import type { Delivery, HoldfastOptions, OutboundOptions, ResolvedOptions, WhenFull } from "./options.ts";
import { resolveNatsOptions } from "./resolve-nats-options.ts";

/** Options as the caller gave them, each read once. */
type Given = Readonly<Record<string, unknown>>;
type OnUndelivered = NonNullable<HoldfastOptions["onUndelivered"]>;

const MIB = 1024 * 1024;
const DEFAULT_BUFFER_BYTES = 8 * MIB;

const amount: NumberRange = { min: 1, max: Infinity, whole: true, allowed: "a whole number from 1, or Infinity" };
const age: NumberRange = {
  min: 1,
  max: Infinity,
  whole: false,
  allowed: "a number of milliseconds from 1, or Infinity (to hold nothing: reconnectBuffer: false)",
};
const delay: NumberRange = { min: 0, max: LARGEST, whole: false, allowed: "a finite number of milliseconds from 0" };
const stall: NumberRange = { ...delay, allowed: `${delay.allowed} (0 switches it off)` };
// The floor of the window is 64 KiB (DESIGN.md section 3), so a smaller limit could not be kept.
const inFlight: NumberRange = {
  min: 64 * 1024,
  max: 1024 * MIB,
  whole: true,
  allowed: "a whole number of bytes from 65536 to 1073741824",
};
const controlLine: NumberRange = { min: 512, max: MIB, whole: true, allowed: "a whole number of bytes from 512 to 1048576" };

/**
 * Checks what the caller gave to `connect()` (`HoldfastOptions`, if the compiler saw it) and fills in the defaults. Reads every option once, writes to none, keeps none by reference
 * but functions and what only `node:tls` understands. Warns of names that look misspelt (once a process).
 *
 * Throws nats-core's `InvalidArgumentError` with the option's path, what was given and what is allowed; passwords, tokens and keys are
 * never told. A getter of the caller that throws is the caller's own error.
 */
export function resolveOptions(options?: unknown): ResolvedOptions {
  const given = readGiven(options);
  warnOfMisspelt(Object.keys(given));
  // Assigned, not spread: what V8 makes of a spread and more has a shape of its own, which costs each connection 1.5 KiB.
  const resolved: ResolvedOptions = Object.assign(resolveNatsOptions(given), {
    outbound: resolveOutbound(given),
    closeTimeout: number("closeTimeout", given, 5_000, delay),
    retryOnFailedConnect: flag("retryOnFailedConnect", given),
    failRequestsOnDisconnect: flag("failRequestsOnDisconnect", given),
    onUndelivered:
      given.onUndelivered === undefined ? undefined : readFunction<OnUndelivered>("onUndelivered", given.onUndelivered),
  });
  return Object.freeze(resolved);
}

/** nats.js reads own properties, but `servers` and `port` also from a prototype. */
function readGiven(options: unknown): Given {
  if (options === undefined || options === null) {
    return {};
  }
  if (!isOptionsObject(options)) {
    throw invalidOption("options", 'an object such as { servers: "127.0.0.1:4222" }', kindOf(options));
  }
  const given: Record<string, unknown> = { ...options };
  for (const name of ["servers", "port"]) {
    if (!Object.hasOwn(given, name)) {
      given[name] = options[name];
    }
  }
  return given;
}

function resolveOutbound(given: Given): OutboundOptions {
  return Object.freeze({
    reconnectBuffer: Object.freeze(readBuffer(given.reconnectBuffer)),
    maxQueued: Object.freeze(readQueued(given.maxQueued)),
    maxInFlight: number("maxInFlight", given, DEFAULT_BUFFER_BYTES, inFlight),
    fenceDelay: number("fenceDelay", given, 20, delay),
    maxControlLine: number("maxControlLine", given, 4096, controlLine),
    delivery: readDelivery(given.delivery),
    stallTimeout: number("stallTimeout", given, 10_000, stall),
    backlogDelay: number("backlogDelay", given, 0, delay),
  });
}

function readBuffer(value: unknown): OutboundOptions["reconnectBuffer"] {
  const path = "reconnectBuffer";
  if (value === undefined) {
    return unlimited(true, DEFAULT_BUFFER_BYTES);
  }
  if (value === false) {
    return { ...unlimited(false, 0), maxMessages: 0 };
  }
  if (typeof value === "number" && isWithin(value, amount)) {
    return unlimited(true, value);
  }
  if (value === 0) {
    throw InvalidArgumentError.format(path, "must not be 0: use false to hold nothing while there is no connection");
  }
  if (!isOptionsObject(value)) {
    const allowed = "a whole number of bytes from 1, Infinity, false, or an object with maxBytes, maxMessages, maxAge, whenFull";
    throw invalidOption(path, allowed, printable(value));
  }
  const limits = readKeys(path, value, ["maxBytes", "maxMessages", "maxAge", "whenFull"]);
  return {
    enabled: true,
    maxBytes: limits.maxBytes === undefined ? DEFAULT_BUFFER_BYTES : readLimit(`${path}.maxBytes`, limits.maxBytes),
    maxMessages: limits.maxMessages === undefined ? Infinity : readLimit(`${path}.maxMessages`, limits.maxMessages),
    maxAge: limits.maxAge === undefined ? Infinity : readNumber(`${path}.maxAge`, limits.maxAge, age),
    whenFull: limits.whenFull === undefined ? "error" : readWhenFull(limits.whenFull),
  };
}

function unlimited(enabled: boolean, maxBytes: number): OutboundOptions["reconnectBuffer"] {
  return { enabled, maxBytes, maxMessages: Infinity, maxAge: Infinity, whenFull: "error" };
}

function readLimit(path: string, value: unknown): number {
  if (value === 0) {
    throw InvalidArgumentError.format(
      path,
      "must not be 0: use reconnectBuffer: false to hold nothing while there is no connection",
    );
  }
  return readNumber(path, value, amount);
}

function readWhenFull(value: unknown): WhenFull {
  return readWord<WhenFull>("reconnectBuffer.whenFull", value, ["error", "drop-oldest", "drop-newest"]);
}

function readQueued(value: unknown): OutboundOptions["maxQueued"] {
  const path = "maxQueued";
  if (value === undefined) {
    return { maxBytes: Infinity, maxMessages: Infinity };
  }
  if (typeof value === "number" && isWithin(value, amount)) {
    return { maxBytes: value, maxMessages: Infinity };
  }
  if (!isOptionsObject(value)) {
    const allowed = "a whole number of bytes from 1, Infinity, or an object with maxBytes, maxMessages";
    throw invalidOption(path, allowed, printable(value));
  }
  const limits = readKeys(path, value, ["maxBytes", "maxMessages"]);
  return {
    maxBytes: limits.maxBytes === undefined ? Infinity : readNumber(`${path}.maxBytes`, limits.maxBytes, amount),
    maxMessages: limits.maxMessages === undefined ? Infinity : readNumber(`${path}.maxMessages`, limits.maxMessages, amount),
  };
}

function readDelivery(value: unknown): Delivery {
  return value === undefined ? "at-most-once" : readWord<Delivery>("delivery", value, ["at-most-once", "at-least-once"]);
}

function number(name: keyof HoldfastOptions, given: Given, fallback: number, range: NumberRange): number {
  const value = given[name];
  return value === undefined ? fallback : readNumber(name, value, range);
}

function flag(name: keyof HoldfastOptions, given: Given): boolean {
  const value = given[name];
  return value === undefined ? false : readBoolean(name, value);
}

import { InvalidArgumentError } from "@nats-io/nats-core";

/** The numbers that an option may have. */
export interface NumberRange {
  /** The smallest, itself allowed. */
  readonly min: number;
  /** The largest, itself allowed; `Infinity` allows `Infinity`. */
  readonly max: number;
  /** True: no fractions. `Infinity`, where allowed, counts as whole. */
  readonly whole: boolean;
  /** The range in words, for the error. */
  readonly allowed: string;
}

/** The largest finite duration and count: what a number can still count in ones. */
export const LARGEST: number = Number.MAX_SAFE_INTEGER;

/** Errors quote at most so many characters of a string. */
const QUOTED = 40;

/**
 * The error for a bad option: where it stands (`reconnectBuffer.maxBytes`), what is allowed, what was given. `given` goes into the
 * message as it is: make it with `printable()`, or with `kindOf()` where the value may be a secret.
 */
export function invalidOption(path: string, allowed: string, given: string): InvalidArgumentError {
  return InvalidArgumentError.format(path, `must be ${allowed}, but ${given} was given`);
}

/** A value for an error message: short, on one line, and without running any code of the caller. Not for secrets. */
export function printable(value: unknown): string {
  if (typeof value === "string") {
    return JSON.stringify(value.length > QUOTED ? `${value.slice(0, QUOTED)}…` : value);
  }
  if (typeof value === "number" || typeof value === "boolean") {
    return String(value);
  }
  return kindOf(value);
}

/** What sort of value it is, without telling it: for passwords, tokens, keys. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) {
    return String(value);
  }
  if (Array.isArray(value)) {
    return "an array";
  }
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/**
 * Whether it is an object with options, of whatever class or realm: not an array, bytes, a function, nor something whose content is not
 * in its properties (Map, Date, URL), which would silently count as "no options".
 */
export function isOptionsObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
    return false;
  }
  return Object.prototype.toString.call(value) === "[object Object]" || Object.keys(value).length > 0;
}

/** A number within `range`. */
export function readNumber(path: string, value: unknown, range: NumberRange): number {
  if (typeof value !== "number" || !isWithin(value, range)) {
    throw invalidOption(path, range.allowed, printable(value));
  }
  return value === 0 ? 0 : value; // -0 would show up as such in counts and messages
}

/** Whether `value` is within `range`. NaN never is. */
export function isWithin(value: number, range: NumberRange): boolean {
  const inside = value >= range.min && value <= range.max;
  return inside && (!range.whole || value === Infinity || Number.isInteger(value));
}

/** `true` or `false`, nothing that merely looks so. */
export function readBoolean(path: string, value: unknown): boolean {
  if (typeof value !== "boolean") {
    throw invalidOption(path, "true or false", printable(value));
  }
  return value;
}

/** One of a few words. */
export function readWord<W extends string>(path: string, value: unknown, words: readonly W[]): W {
  const word = words.find((each) => each === value);
  if (word === undefined) {
    throw invalidOption(path, `one of ${words.map((each) => `"${each}"`).join(", ")}`, printable(value));
  }
  return word;
}

/** A function. What it takes and returns is the caller's word: `F` cannot be checked before it is called. */
export function readFunction<F extends (...args: never[]) => unknown>(path: string, value: unknown): F {
  if (!isFunction<F>(value)) {
    throw invalidOption(path, "a function", kindOf(value));
  }
  return value;
}

/** The properties of an object of ours, each read once; the first that is not among `keys` is an error. */
export function readKeys(
  path: string,
  value: Readonly<Record<string, unknown>>,
  keys: readonly string[],
): Readonly<Record<string, unknown>> {
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined) {
    throw InvalidArgumentError.format(path, `knows the keys ${keys.join(", ")}, but ${printable(unknown)} was given`);
  }
  return { ...value };
}

function isFunction<F>(value: unknown): value is F {
  return typeof value === "function";
}

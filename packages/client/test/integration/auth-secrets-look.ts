/** Makes everything visible that a user could see of a value, by logging it in whatever way; for `auth-secrets.test.ts`. */
import { inspect } from "node:util";

/** All that `util.inspect` shows of a value at most, all that is reachable through its properties, bytes as text, and its JSON. */
export function allTextOf(value: unknown): string {
  const shown = inspect(value, {
    showHidden: true,
    depth: Number.POSITIVE_INFINITY,
    maxArrayLength: null,
    maxStringLength: null,
    getters: true,
    breakLength: Number.POSITIVE_INFINITY,
  });
  return [shown, ...reachable(value, new Set()), json(value), String(value)].join("\n");
}

/** A secret as it may look in a log: itself, or in one of the usual encodings. */
export function looksOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString("hex");
  // Of base64 the ends depend on what stands beside it.
  const base64 = [0, 1, 2].map((skip) =>
    bytes
      .subarray(skip, bytes.length - 3)
      .toString("base64")
      .replace(/=+$/, "")
      .slice(4, -4),
  );
  return [secret, encodeURIComponent(secret), hex, hex.replace(/(..)(?=.)/g, "$1 "), [...bytes].join(", "), ...base64];
}

/** Own properties of every kind, also hidden ones, to any depth, and what collections hold. */
function* reachable(value: unknown, seen: Set<unknown>): Iterable<string> {
  if (typeof value === "string") yield value;
  if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return;
  seen.add(value);
  if (ArrayBuffer.isView(value)) {
    yield Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("latin1");
    return;
  }
  if (value instanceof Map || value instanceof Set) for (const each of value) yield* reachable(each, seen);
  for (const key of Reflect.ownKeys(value)) yield* reachable(read(value, key), seen);
  yield* reachable(Object.getPrototypeOf(value), seen);
}

function read(target: object, key: string | symbol): unknown {
  try {
    return Reflect.get(target, key);
  } catch (error) {
    return error;
  }
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch (error) {
    return String(error);
  }
}

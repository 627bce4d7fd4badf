import { InvalidArgumentError } from "@commander-js/extra-typings";

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const sizeUnits: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1024,
  kb: 1000,
  kib: 1024,
  m: 1024 ** 2,
  mb: 1000 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1000 ** 3,
  gib: 1024 ** 3,
};

/** For the end of a command's help: how what the parsers below take is written. */
export const notation = "Durations are written 300ms, 5s, 1m30s, 2h; sizes 65536, 64KiB, 8MB.";

/** A parser for a duration as in Go and in the `nats` tool: 300ms, 5s, 1m30s, 2h. It gives milliseconds, from `least` on. */
export function duration(least: number): (text: string) => number {
  return (text) => {
    const ms = text === "0" ? 0 : durationOf(text);
    if (ms >= least) return ms;
    const smallest = least === 0 ? "" : `, ${least}ms or more`;
    throw new InvalidArgumentError(`It must be a duration such as 500ms, 5s or 1m30s${smallest}.`);
  };
}

/** A parser for a number of bytes: 65536, 64KiB, 8MB. It gives bytes, from `least` to `greatest`. */
export function size(least: number, greatest: number): (text: string) => number {
  return (text) => {
    const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text) ?? [];
    const bytes = Math.round(Number.parseFloat(digits) * (sizeUnits[unit.toLowerCase()] ?? Number.NaN));
    if (bytes >= least && bytes <= greatest) return bytes;
    const upTo = greatest === Number.MAX_SAFE_INTEGER ? "" : ` to ${greatest}`;
    throw new InvalidArgumentError(`It must be a number of bytes from ${least}${upTo}, such as 65536, 64KiB or 8MB.`);
  };
}

/** A parser for a whole number from `least` to `greatest`. */
export function wholeNumber(least: number, greatest: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= greatest) return value;
    const upTo = greatest === Number.MAX_SAFE_INTEGER ? "" : ` to ${greatest}`;
    throw new InvalidArgumentError(`It must be a whole number from ${least}${upTo}.`);
  };
}

/** A parser for an option that may be given several times: what was given, in order. */
export function several(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

/** NaN when it is none. */
function durationOf(text: string): number {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) return Number.NaN;
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce(
    (sum, [, digits = "", unit = ""]) => sum + Number(digits) * (durationUnits[unit] ?? Number.NaN),
    0,
  );
}

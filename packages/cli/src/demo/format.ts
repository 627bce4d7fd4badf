import type { StepEnd } from "./messages.ts";

const grouped = new Intl.NumberFormat("en-US");

/** 30,140 or, with a noun, "1 message", "30,140 messages". */
export function count(value: number, noun?: string): string {
  const digits = grouped.format(value);
  if (noun === undefined) return digits;
  return `${digits} ${noun}${value === 1 ? "" : "s"}`;
}

/** 512 B, 4.2 kB, 8.4 MB: in powers of 1000. */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB"] as const;
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return `${unit === 0 || scaled >= 99.95 ? Math.round(scaled) : scaled.toFixed(1)} ${units[unit]}`;
}

/** 3 s, 0.8 s, 1.25 s, and 40 ms. */
export function seconds(ms: number): string {
  if (ms < 100) return `${Math.round(ms)} ms`;
  return `${Number((ms / 1000).toFixed(2))} s`;
}

/** A count, or a dash where there is none to be had. */
export function orNone(value: number | null): string {
  return value === null ? "–" : count(value);
}

/** How a step ended, and how long it took. */
export function describeEnd(end: StepEnd): string {
  switch (end.kind) {
    case "done":
      return `done in ${seconds(end.ms)}`;
    case "failed":
      return `failed after ${seconds(end.ms)}`;
    case "timed out":
      return `no end in ${seconds(end.ms)}`;
  }
}

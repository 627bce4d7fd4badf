import { bytes } from "../demo/format.ts";
import type { Unit } from "./report.ts";

const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 2 });
const short = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 3 });

/** A value as short as an axis wants it: 4 MB, 10K, 2.5K/s, 0.3 ms, 12 s. */
export function shown(unit: Unit, value: number): string {
  switch (unit) {
    case "bytes":
      return bytes(value).replace(".0 ", " ");
    case "count":
      return compact.format(value);
    case "per second":
      return `${compact.format(value)}/s`;
    case "ms":
      return value < 1_000 ? `${short.format(value)} ms` : `${short.format(value / 1_000)} s`;
  }
}

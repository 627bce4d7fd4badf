import { InvalidArgumentError } from "@nats-io/nats-core";

/** Throws nats-core's `InvalidArgumentError` unless `value` is a finite number of milliseconds, 1 or more. */
export function checkWait(option: string, value: unknown): asserts value is number {
  // nats-core's words where it has some; its tests compare them.
  if (typeof value === "number" && value < 1) throw InvalidArgumentError.format(option, "must be greater than 0");
  if (Number.isFinite(value)) return;
  throw InvalidArgumentError.format(option, `must be a finite number of milliseconds, got ${String(value)}`);
}

/** Throws unless `value` is absent, or a number from 0, `whole` if so asked. Zero means "none", as in nats.js. */
export function checkCount(option: string, value: unknown, whole: "whole" | "any"): void {
  if (value === undefined || value === null) return;
  const isNumber = whole === "whole" ? Number.isInteger(value) : Number.isFinite(value);
  if (isNumber && Number(value) >= 0) return;
  throw InvalidArgumentError.format(
    option,
    `must be a ${whole === "whole" ? "whole" : "finite"} number from 0, got ${String(value)}`,
  );
}

import { invalidOption, type NumberRange, printable, readBoolean, readNumber, readWord } from "../option-checks.ts";
import type { Delivery, HoldfastPublishOptions } from "../options.ts";
import type { Treatment } from "../outbound/treatment.ts";

/** What `HoldfastPublishOptions` has beyond nats-core's options, checked. */
export interface MessageOptions {
  readonly delivery: Delivery | undefined;
  readonly maxAge: number | undefined;
  readonly msgId: string | undefined;
  readonly copy: boolean;
}

/** Reads each of them once. Throws `InvalidArgumentError` with the option, what is allowed and what was given. */
export function readMessageOptions({ delivery, maxAge, msgId, copy }: HoldfastPublishOptions): MessageOptions {
  if (delivery === undefined && maxAge === undefined && msgId === undefined && copy === undefined) return NONE;
  return {
    delivery: delivery === undefined ? undefined : readWord("delivery", delivery, LEVELS),
    maxAge: maxAge === undefined ? undefined : readNumber("maxAge", maxAge, AGE),
    msgId: msgId === undefined ? undefined : readMsgId(msgId),
    copy: copy === undefined || readBoolean("copy", copy),
  };
}

/** The treatment that a message has by its class, as far as its options do not say otherwise. */
export function withOptions(treatment: Treatment | undefined, options: MessageOptions): Treatment | undefined {
  const { delivery, maxAge, copy } = options;
  if (!copy) {
    const other = withOptions(treatment, { ...options, copy: true });
    return other === undefined ? BY_REFERENCE : { ...other, byReference: true };
  }
  if (delivery === undefined && maxAge === undefined) return treatment;
  // So is every message into a stream: no object for each.
  if (delivery === undefined && maxAge === 0) return treatment?.reserved === true ? TOO_OLD_RESERVED : TOO_OLD;
  return { ...treatment, ...ageTreatment(maxAge), ...(delivery === undefined ? {} : { delivery }) };
}

/** With 0 it is too old for any other connection. */
function ageTreatment(maxAge: number | undefined): Treatment {
  if (maxAge === undefined) return {};
  return maxAge === 0 ? TOO_OLD : { maxAge };
}

/** It becomes a header line: nothing in it may end that line, and an empty one would name all messages alike. */
function readMsgId(value: unknown): string {
  if (typeof value === "string" && value.trim() !== "" && !/[\r\n]/.test(value)) return value;
  throw invalidOption("msgId", 'a string that is not empty and has no line end, or "auto"', printable(value));
}

const NONE: MessageOptions = Object.freeze({ delivery: undefined, maxAge: undefined, msgId: undefined, copy: true });
const BY_REFERENCE: Treatment = Object.freeze({ byReference: true });
const TOO_OLD: Treatment = Object.freeze({ bound: true, delivery: "at-most-once" });
const TOO_OLD_RESERVED: Treatment = Object.freeze({ ...TOO_OLD, reserved: true });
const LEVELS: readonly Delivery[] = ["at-most-once", "at-least-once"];
const AGE: NumberRange = { min: 0, max: Infinity, whole: false, allowed: "a number of milliseconds from 0, or Infinity" };

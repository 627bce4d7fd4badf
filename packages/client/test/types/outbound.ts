/** Compiled, never run: `nc.outbound`, as far as this version has it. */

import { expectTypeOf } from "expect-type";
import type { Amount, UndeliveredState } from "../../src/errors.ts";
import type { HoldfastConnection } from "../../src/index.ts";

type Outbound = HoldfastConnection["outbound"];
type Counts = ReturnType<Outbound["counts"]>;

expectTypeOf<Outbound["held"]>().toExtend<Amount>();
expectTypeOf<Outbound["limit"]>().toExtend<Amount>();
expectTypeOf<Outbound["window"]>().toEqualTypeOf<number>();
expectTypeOf<Outbound["usable"]>().toEqualTypeOf<boolean>();

// Every term of the identity of DESIGN.md section 2, and what stands outside it.
expectTypeOf<Counts>().toExtend<Readonly<Record<UndeliveredState, number>>>();
expectTypeOf<Counts>().toExtend<Readonly<Record<"accepted" | "confirmed" | "inFlight" | "buffered" | "refused", number>>>();

/** Views are for reading. */
export function readOnly(outbound: Outbound): void {
  // @ts-expect-error read-only
  outbound.usable = true;
}

/** Compiled, never run: `nc.outbound`, and what `flush()` takes. */

import type { MsgHdrs, NatsConnection } from "@nats-io/nats-core";
import { expectTypeOf } from "expect-type";
import type { Amount, UndeliveredState } from "../../src/errors.ts";
import type { HoldfastConnection, Undelivered } from "../../src/index.ts";
import type { HoldfastPublishOptions } from "../../src/options.ts";
import type { OutboundEvent } from "../../src/outbound/events.ts";

type Outbound = HoldfastConnection["outbound"];
type Counts = ReturnType<Outbound["counts"]>;

expectTypeOf<Outbound["held"]>().toExtend<Amount>();
expectTypeOf<Outbound["limit"]>().toExtend<Amount>();
expectTypeOf<Outbound["window"]>().toEqualTypeOf<number>();
expectTypeOf<Outbound["usable"]>().toEqualTypeOf<boolean>();
expectTypeOf<Outbound["oldestAge"]>().toEqualTypeOf<number>();
expectTypeOf<Outbound["purge"]>().toEqualTypeOf<() => number>();

// Every term of the identity of DESIGN.md section 2, and what stands outside it.
expectTypeOf<Counts>().toExtend<Readonly<Record<UndeliveredState, number>>>();
expectTypeOf<Counts>().toExtend<Readonly<Record<"accepted" | "confirmed" | "inFlight" | "buffered", number>>>();
expectTypeOf<Counts>().toExtend<Readonly<Record<"refused" | "resent", number>>>();

/** Views are for reading. */
export function readOnly(outbound: Outbound): void {
  // @ts-expect-error read-only
  outbound.usable = true;
  // @ts-expect-error read-only
  outbound.oldestAge = 0;
  // @ts-expect-error the view gives no access to the log itself
  outbound.end(0);
}

/** Waiting: with a signal, or without. */
export function waiting(nc: HoldfastConnection, signal: AbortSignal): void {
  expectTypeOf(nc.outbound.writable()).toEqualTypeOf<Promise<void>>();
  expectTypeOf(nc.outbound.writable({ signal })).toEqualTypeOf<Promise<void>>();
  expectTypeOf(nc.flush()).toEqualTypeOf<Promise<void>>();
  expectTypeOf(nc.flush({ timeout: 1, signal })).toEqualTypeOf<Promise<void>>();
  // @ts-expect-error milliseconds, not text
  void nc.flush({ timeout: "1" });
  // @ts-expect-error no such option
  void nc.flush({ deadline: 1 });
  // @ts-expect-error the signal stands in an object
  void nc.outbound.writable(signal);
  // `flush()` of an ordinary connection keeps its meaning.
  expectTypeOf<HoldfastConnection["flush"]>().toExtend<NatsConnection["flush"]>();
}

/** Confirming one message takes what `publish()` takes. */
export function confirming(nc: HoldfastConnection, options: HoldfastPublishOptions): void {
  expectTypeOf(nc.outbound.publishAndConfirm("a")).toEqualTypeOf<Promise<void>>();
  expectTypeOf<Parameters<Outbound["publishAndConfirm"]>[2]>().toEqualTypeOf<HoldfastPublishOptions | undefined>();
  expectTypeOf(nc.outbound.publishAndConfirm("a", new Uint8Array(1), options)).toEqualTypeOf<Promise<void>>();
  // @ts-expect-error payloads are text or bytes
  void nc.outbound.publishAndConfirm("a", 42);
}

/** Events are told apart by their type, and what came back is decoded. */
export async function reading(nc: HoldfastConnection): Promise<void> {
  const events = nc.outbound.events();
  expectTypeOf(events.missed).toEqualTypeOf<number>();
  for await (const event of events) {
    expectTypeOf(event).toEqualTypeOf<OutboundEvent>();
    if (event.type === "full") expectTypeOf(event.refused).toEqualTypeOf<number>();
    // @ts-expect-error a stall has no limit
    if (event.type === "stalled") event.limit;
  }
  for await (const message of nc.outbound.undelivered()) {
    expectTypeOf(message).toEqualTypeOf<Undelivered>();
    expectTypeOf(message.headers).toEqualTypeOf<MsgHdrs | undefined>();
  }
}

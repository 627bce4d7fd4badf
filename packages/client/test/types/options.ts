/** Compiled, never run: what the compiler says about Holdfast's own options and errors. */

import { expectTypeOf } from "expect-type";
import type { Amount, UndeliveredState } from "../../src/errors.ts";
import {
  type Delivery,
  FlushError,
  type HoldfastOptions,
  ReconnectBufferFullError,
  type Undelivered,
  UndeliveredError,
} from "../../src/index.ts";
import type { ResolvedOptions } from "../../src/options.ts";

export const everything: HoldfastOptions = {
  servers: ["nats://a", "nats://b"],
  reconnectBuffer: { maxBytes: Infinity, maxMessages: 10, maxAge: 60_000, whenFull: "drop-oldest" },
  delivery: "at-least-once",
  maxQueued: { maxBytes: 1_000_000, maxMessages: 10_000 },
  maxInFlight: 65_536,
  fenceDelay: 20,
  stallTimeout: 0,
  backlogDelay: 100,
  closeTimeout: 5_000,
  maxControlLine: 8_192,
  retryOnFailedConnect: true,
  failRequestsOnDisconnect: false,
  tls: { rejectUnauthorized: false, caFile: "ca.pem" },
  onUndelivered: async (batch) => {
    expectTypeOf(batch).toEqualTypeOf<readonly Undelivered[]>();
  },
};

export const shorthands: HoldfastOptions[] = [
  { reconnectBuffer: 1_000 },
  { reconnectBuffer: false },
  { maxQueued: 1_000 },
  { tls: null },
  { onUndelivered: () => {} },
];

export const mistakes: HoldfastOptions[] = [
  // @ts-expect-error true is not a size
  { reconnectBuffer: true },
  // @ts-expect-error a misspelt key
  { reconnectBuffer: { maxbytes: 1 } },
  // @ts-expect-error an unknown policy
  { reconnectBuffer: { whenFull: "block" } },
  // @ts-expect-error an unknown level
  { delivery: "exactly-once" },
  // @ts-expect-error a misspelt option
  { reconectBuffer: 1 },
];

/** Who reads resolved options cannot change them. */
export function readOnly(resolved: ResolvedOptions): void {
  // @ts-expect-error read-only
  resolved.timeout = 1;
  // @ts-expect-error read-only, also below
  resolved.outbound.reconnectBuffer.maxBytes = 1;
  // @ts-expect-error a read-only list
  resolved.servers.push("nats://c");
}

expectTypeOf<Delivery>().toEqualTypeOf<"at-most-once" | "at-least-once">();
expectTypeOf<Undelivered["state"]>().toEqualTypeOf<UndeliveredState>();
expectTypeOf<Undelivered["data"]>().toEqualTypeOf<Uint8Array>();
expectTypeOf(FlushError).instance.toExtend<Error>();
expectTypeOf(FlushError).instance.toHaveProperty("counts").toEqualTypeOf<Readonly<Record<UndeliveredState, number>>>();
expectTypeOf(ReconnectBufferFullError).instance.toExtend<Error>();
expectTypeOf(ReconnectBufferFullError).instance.toHaveProperty("held").toEqualTypeOf<Amount>();
expectTypeOf(UndeliveredError).instance.toExtend<Error>();
expectTypeOf(UndeliveredError).instance.toHaveProperty("state").toEqualTypeOf<UndeliveredState>();

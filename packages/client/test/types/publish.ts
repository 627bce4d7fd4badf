/** Compiled, never run: what the compiler says about the options of `publish()`. */

import type { MsgHdrs, NatsConnection, PublishOptions } from "@nats-io/nats-core";
import { expectTypeOf } from "expect-type";
import type { Delivery, HoldfastConnection, HoldfastPublishOptions } from "../../src/index.ts";

export const everything = (headers: MsgHdrs): HoldfastPublishOptions => ({
  reply: "inbox",
  headers,
  traceDestination: "trace",
  traceOnly: true,
  delivery: "at-least-once",
  maxAge: 60_000,
  msgId: "auto",
});

export const shorthands: HoldfastPublishOptions[] = [{}, { maxAge: 0 }, { maxAge: Infinity }, { msgId: "order-1" }];

export const mistakes: HoldfastPublishOptions[] = [
  // @ts-expect-error an unknown level
  { delivery: "exactly-once" },
  // @ts-expect-error not a time
  { maxAge: "1s" },
  // @ts-expect-error a number is no id
  { msgId: 1 },
  // @ts-expect-error a misspelt option
  { msgID: "auto" },
];

expectTypeOf<HoldfastPublishOptions>().toExtend<PublishOptions>();
expectTypeOf<PublishOptions>().toExtend<HoldfastPublishOptions>();
expectTypeOf<HoldfastPublishOptions["delivery"]>().toEqualTypeOf<Delivery | undefined>();
expectTypeOf<HoldfastPublishOptions["maxAge"]>().toEqualTypeOf<number | undefined>();
expectTypeOf<HoldfastConnection["publish"]>().parameter(2).toEqualTypeOf<HoldfastPublishOptions | undefined>();
expectTypeOf<HoldfastConnection["publish"]>().toExtend<NatsConnection["publish"]>();
expectTypeOf<HoldfastConnection["request"]>().toEqualTypeOf<NatsConnection["request"]>();
// It is a member of `nc.outbound`, where its first line says what "confirmed" is worth.
expectTypeOf<HoldfastConnection>().not.toHaveProperty("publishAndConfirm");

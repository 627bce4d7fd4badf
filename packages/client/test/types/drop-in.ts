/** Compiled, never run: what a program written for `@nats-io/transport-node` may rely on. */

import type {
  ConnectionOptions,
  MsgHdrs,
  NatsConnection,
  Payload,
  PublishOptions,
  Stats,
  Status,
  Subscription,
} from "@nats-io/nats-core";
import type { NodeConnectionOptions, connect as officialConnect, wsconnect as officialWsconnect } from "@nats-io/transport-node";
import { expectTypeOf } from "expect-type";
import { connect, type HoldfastConnection, type HoldfastOptions, type wsconnect } from "../../src/index.ts";

/** A connection is a `NatsConnection`, in one assignment. */
export async function assigned(): Promise<void> {
  const nc: NatsConnection = await connect();
  await nc.close();
}

/** It can be handed to code that was written for the official type. */
export async function handedOn(use: (nc: NatsConnection) => Promise<void>): Promise<void> {
  await use(await connect({ servers: "nats://127.0.0.1:4222" }));
}

/** Everything that the official `connect()` can be called with. */
export async function sameOptions(options: NodeConnectionOptions, core: Omit<ConnectionOptions, "tls">): Promise<void> {
  await connect(options);
  await connect(core);
}

expectTypeOf<HoldfastConnection>().toExtend<NatsConnection>();
expectTypeOf<NodeConnectionOptions>().toExtend<HoldfastOptions>();
expectTypeOf<typeof connect>().toExtend<typeof officialConnect>();
expectTypeOf<typeof wsconnect>().toExtend<typeof officialWsconnect>();
expectTypeOf<Parameters<typeof wsconnect>>().toEqualTypeOf<Parameters<typeof officialWsconnect>>();
expectTypeOf<Awaited<ReturnType<typeof connect>>>().toEqualTypeOf<HoldfastConnection>();
expectTypeOf<Parameters<typeof connect>[0]>().toEqualTypeOf<HoldfastOptions | undefined>();

// Members keep nats-core's types; `publish()` says more than nats-core's, which returns nothing.
expectTypeOf<ReturnType<HoldfastConnection["publish"]>>().toEqualTypeOf<boolean>();
expectTypeOf<HoldfastConnection["publish"]>().toBeCallableWith("subject", "text", { reply: "inbox" });
expectTypeOf<HoldfastConnection["publish"]>().toExtend<(subject: string, data?: Payload, options?: PublishOptions) => void>();
expectTypeOf<ReturnType<HoldfastConnection["subscribe"]>>().toEqualTypeOf<Subscription>();
expectTypeOf<ReturnType<HoldfastConnection["stats"]>>().toEqualTypeOf<Stats>();
expectTypeOf<ReturnType<HoldfastConnection["status"]>>().toEqualTypeOf<AsyncIterable<Status>>();
expectTypeOf<HoldfastConnection["closed"]>().toEqualTypeOf<NatsConnection["closed"]>();
expectTypeOf<NonNullable<Parameters<HoldfastConnection["publish"]>[2]>["headers"]>().toEqualTypeOf<MsgHdrs | undefined>();

// Unchanged code says "@nats-io/transport-node"; the alias in package.json makes it Holdfast, with Holdfast's own options.
import type { HoldfastOptions } from "@nats-io/transport-node";
import { Logger } from "@nestjs/common";

const logger = new Logger("NATS");

/** What both sides connect with. Nest hands all of it on to `connect()`. */
export function natsOptions(name: string): HoldfastOptions & { readonly gracefulShutdown: boolean } {
  return {
    name,
    servers: (process.env.NATS_URL ?? "nats://127.0.0.1:4222").split(","),
    reconnectTimeWait: 250,
    // What was on its way when the connection broke is sent again; who receives it knows an order by its id.
    delivery: "at-least-once",
    // After a reconnect, lets the services subscribe again before what was held is sent: an event that nobody hears is gone.
    backlogDelay: Number(process.env.BACKLOG_DELAY_MS ?? 1_000),
    onUndelivered: (batch) => {
      for (const { subject, state } of batch) logger.error(`not delivered: ${subject} ${state}`);
    },
    // Nest's own: ends its subscriptions before it closes.
    gracefulShutdown: true,
  };
}

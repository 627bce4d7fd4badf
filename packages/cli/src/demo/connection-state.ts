import type { NatsConnection } from "@nats-io/transport-node";
import type { ConnectionState } from "./messages.ts";

/** Follows `nc.status()` until it ends; the returned function says what it said last. */
export function followState(nc: Pick<NatsConnection, "status" | "isClosed">): () => ConnectionState {
  let state: ConnectionState = "connected";
  const follow = async (): Promise<void> => {
    for await (const status of nc.status()) {
      if (status.type === "disconnect") state = "disconnected";
      else if (status.type === "reconnecting") state = "reconnecting";
      else if (status.type === "reconnect") state = "connected";
    }
  };
  // It ends with the connection; how that ended is for flush() and close() to say.
  follow().catch(() => {});
  return () => (nc.isClosed() ? "closed" : state);
}

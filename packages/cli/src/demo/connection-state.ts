import type { NatsConnection } from "@nats-io/transport-node";
import type { ConnectionState } from "./messages.ts";

/** What a client has said of its connection. */
export interface ConnectionHistory {
  /** What it said last. */
  state(): ConnectionState;
  /** When it said that the connection was gone, on the clock of `performance.now()`, in order. */
  disconnects(): readonly number[];
}

/** A client that loses its connection all the time must not become memory without end. */
const mostDisconnects = 1_000;

/** Follows `nc.status()` until it ends. */
export function followConnection(nc: Pick<NatsConnection, "status" | "isClosed">): ConnectionHistory {
  let state: ConnectionState = "connected";
  const disconnects: number[] = [];
  const follow = async (): Promise<void> => {
    for await (const status of nc.status()) {
      if (status.type === "disconnect") {
        state = "disconnected";
        if (disconnects.length < mostDisconnects) disconnects.push(performance.now());
      } else if (status.type === "reconnecting") state = "reconnecting";
      else if (status.type === "reconnect") state = "connected";
    }
  };
  // It ends with the connection; how that ended is for flush() and close() to say.
  follow().catch(() => {});
  return { state: () => (nc.isClosed() ? "closed" : state), disconnects: () => disconnects };
}

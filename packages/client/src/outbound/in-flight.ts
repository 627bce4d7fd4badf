import type { Amount } from "../errors.ts";
import type { Items } from "./items.ts";
import type { Log } from "./log.ts";

/** Bytes handed over on this connection and not yet confirmed: what the window bounds. */
export function windowedBytes(log: Log, items: Items): number {
  const { confirmed, written, removed } = log;
  return (
    written.position - confirmed.position - removed.between(confirmed.position, written.position).bytes + items.inFlightBytes
  );
}

/** Messages handed over on this connection and not yet confirmed. */
export function windowedMessages(log: Log, items: Items): number {
  const { confirmed, written, removed } = log;
  return written.index - confirmed.index - removed.between(confirmed.position, written.position).frames + items.inFlightMessages;
}

/** Everything ever handed over and not yet confirmed; also what waits to be sent again. */
export function inFlight(log: Log, items: Items): Amount {
  const { confirmed, sent, removed } = log;
  const gone = removed.between(confirmed.position, sent.position);
  return {
    messages: sent.index - confirmed.index - gone.frames + items.inFlightMessages,
    bytes: sent.position - confirmed.position - gone.bytes + items.inFlightBytes,
  };
}

import type { Payload } from "@nats-io/nats-core";

/** A copy that nobody else writes to. Throws nats-core's `TypeError` for anything but a string or a `Uint8Array`. */
export function copyPayload(payload: Payload): Payload {
  if (typeof payload === "string") return payload;
  if (payload instanceof Uint8Array) return payload.length === 0 ? payload : new Uint8Array(payload);
  throw new TypeError("payload types can be strings or Uint8Array");
}

/** What a payload takes in memory, about: a string has a byte for a character as long as it is Latin. */
export function bytesOf(payload: Payload): number {
  return payload.length;
}

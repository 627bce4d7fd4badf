/** Every metric there is: its name, its unit and what it says. docs/OBSERVING.md has them as a table; a test holds the two together. */

/** What an instrument is made of. */
export interface Metric {
  readonly name: string;
  /** In UCUM, as OpenTelemetry wants it: `{message}` counts, `By` are bytes, `s` seconds. */
  readonly unit: string;
  readonly description: string;
}

/** What only ever grows, over all connections that share their attributes, those that are closed included. */
export type Total =
  | "accepted"
  | "acceptedBytes"
  | "refused"
  | "confirmed"
  | "rejected"
  | "inDoubt"
  | "dropped"
  | "expired"
  | "undeliverable"
  | "abandoned"
  | "resent"
  | "received"
  | "receivedBytes"
  | "full"
  | "disconnects"
  | "reconnects"
  | "stalls";

/** What there is at this instant, added up over the open connections that share their attributes. */
export type Level = "held" | "heldBytes" | "inFlight" | "limit" | "limitBytes" | "windowBytes" | "usable";

export const TOTALS: Readonly<Record<Total, Metric>> = {
  accepted: messages("nats.client.buffer.accepted.messages", "Messages that publish() and request() took in."),
  acceptedBytes: bytes("nats.client.buffer.accepted.bytes", "Bytes of these messages, headers included."),
  refused: messages("nats.client.buffer.refused.messages", "Publishes that threw because of a limit. They were never accepted."),
  confirmed: messages("nats.client.buffer.confirmed.messages", "Messages that the server has read: a read receipt, not storage."),
  rejected: messages("nats.client.buffer.rejected.messages", "Messages that the server read and refused."),
  inDoubt: messages("nats.client.in_doubt.messages", "Messages that ended in doubt: the server may have them or not."),
  dropped: messages("nats.client.buffer.dropped.messages", "Messages that the overflow policy evicted or did not take in."),
  expired: messages("nats.client.buffer.expired.messages", "Messages that were older than maxAge, or past a request's deadline."),
  undeliverable: messages("nats.client.buffer.undeliverable.messages", "Messages that the server reached cannot take."),
  abandoned: messages("nats.client.buffer.abandoned.messages", "Messages buffered at close(), at purge() or at giving up."),
  resent: messages("nats.client.resent.messages", "Messages handed over again by at-least-once delivery."),
  received: messages("nats.client.received.messages", "Messages received for subscriptions and requests."),
  receivedBytes: bytes("nats.client.received.bytes", "Bytes of these messages, headers included."),
  full: {
    name: "nats.client.buffer.full.episodes",
    unit: "{episode}",
    description: "Times that the buffer began to refuse or drop for a limit.",
  },
  disconnects: { name: "nats.client.connection.disconnects", unit: "{disconnect}", description: "Connections that ended." },
  reconnects: {
    name: "nats.client.connection.reconnects",
    unit: "{reconnect}",
    description: "Connections made anew, after connect().",
  },
  stalls: {
    name: "nats.client.connection.stalls",
    unit: "{stall}",
    description: "Connections given up because they were silent for too long.",
  },
};

export const LEVELS: Readonly<Record<Level, Metric>> = {
  held: messages("nats.client.buffer.messages", "Messages held: buffered or in flight."),
  heldBytes: bytes("nats.client.buffer.bytes", "Bytes held, as on the wire."),
  inFlight: messages("nats.client.in_flight.messages", "Messages handed over and not yet confirmed."),
  limit: messages("nats.client.buffer.limit.messages", "The limit in force on messages held; 0 while there is none."),
  limitBytes: bytes("nats.client.buffer.limit.bytes", "The limit in force on bytes held; 0 while there is none."),
  windowBytes: bytes("nats.client.window.bytes", "Bytes that may be handed over unconfirmed."),
  usable: {
    name: "nats.client.connection.usable",
    unit: "{connection}",
    description: "Connections on which messages can go out now: 1, or 0 during an outage.",
  },
};

export const OLDEST_AGE: Metric = {
  name: "nats.client.buffer.oldest_age",
  unit: "s",
  description: "Age of the oldest message that is held; 0 when nothing is held.",
};

/** OpenTelemetry's own name, for dashboards that know nothing of NATS. It counts no message that is still on its way. */
export const SENT: Metric = messages("messaging.client.sent.messages", "Messages sent whose end is known.");

function messages(name: string, description: string): Metric {
  return { name, unit: "{message}", description };
}

function bytes(name: string, description: string): Metric {
  return { name, unit: "By", description };
}

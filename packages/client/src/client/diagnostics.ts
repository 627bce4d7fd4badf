import type { Status } from "@nats-io/nats-core";
import type { Undelivered } from "../options.ts";
import type { OutboundEvent } from "../outbound/events.ts";
import type { Runtime } from "../runtime.ts";
import type { HoldfastConnection } from "./connection.ts";

/**
 * The names of our channels of `node:diagnostics_channel`, by the type of event that each of them carries. They are for watching every
 * connection of a process, also those that somebody else's code has made.
 */
export const CHANNELS: Readonly<Record<DiagnosticsEvent["type"], string>> = {
  connect: "holdfast:connect",
  disconnect: "holdfast:disconnect",
  reconnect: "holdfast:reconnect",
  close: "holdfast:close",
  error: "holdfast:error",
  high: "holdfast:high",
  low: "holdfast:low",
  full: "holdfast:full",
  backlogStart: "holdfast:backlogStart",
  backlogEnd: "holdfast:backlogEnd",
  stalled: "holdfast:stalled",
  undelivered: "holdfast:undelivered",
};

/** What a message on one of our channels says. */
export type DiagnosticsEvent =
  /** `connect()` resolves with this connection. With `retryOnFailedConnect` there may be no server yet: then `reconnect` follows. */
  | { readonly type: "connect"; readonly server: string }
  /** As in `nc.status()`. */
  | Extract<Status, { type: "disconnect" | "reconnect" | "close" | "error" }>
  /** As in `nc.outbound.events()`. */
  | OutboundEvent
  /** What `onUndelivered` is given; also when the connection has none. */
  | { readonly type: "undelivered"; readonly messages: readonly Undelivered[] };

/** A message on one of our channels. */
export interface DiagnosticsMessage {
  readonly connection: HoldfastConnection;
  readonly event: DiagnosticsEvent;
}

/** A channel, as `node:diagnostics_channel` makes them. */
export interface DiagnosticsChannel {
  /** Also changes after the channel was made. */
  readonly hasSubscribers: boolean;
  publish(message: object): void;
}

type OpenChannel = (name: string) => DiagnosticsChannel;
type Channels = ReadonlyMap<string, DiagnosticsChannel>;

const NO_CHANNELS: Channels = new Map();
/** Of each platform: all its connections share them. */
const channels = new WeakMap<OpenChannel, Channels>();

function channelsOf(open: OpenChannel): Channels {
  const known = channels.get(open) ?? new Map(Object.entries(CHANNELS).map(([type, name]) => [type, open(name)]));
  channels.set(open, known);
  return known;
}

/** Tells the channels of one connection what happens to it. Without a subscriber that costs one look at `hasSubscribers`. */
export class Diagnostics {
  readonly #channels: Channels;
  readonly #runtime: Runtime;
  readonly #connection: () => HoldfastConnection;

  /** `open` gives the channel of a name; undefined on a platform that has none. */
  constructor(open: OpenChannel | undefined, runtime: Runtime, connection: () => HoldfastConnection) {
    this.#channels = open === undefined ? NO_CHANNELS : channelsOf(open);
    this.#runtime = runtime;
    this.#connection = connection;
  }

  /** Whether anybody listens for events of this type. */
  wants(type: DiagnosticsEvent["type"]): boolean {
    return this.#channels.get(type)?.hasSubscribers === true;
  }

  /** Subscribers run at the end of the turn: none of them may publish or close in the middle of what we are doing. */
  tell(event: DiagnosticsEvent): void {
    const channel = this.#channels.get(event.type);
    if (channel?.hasSubscribers !== true) return;
    this.#runtime.defer(() => channel.publish({ connection: this.#connection(), event } satisfies DiagnosticsMessage));
  }

  /** The same for `nc.status()`, which has events that have no channel. */
  tellStatus(status: Status): void {
    switch (status.type) {
      case "disconnect":
      case "reconnect":
      case "close":
      case "error":
        return this.tell(status);
      case "reconnecting":
      case "update":
      case "ldm":
      case "ping":
      case "staleConnection":
      case "forceReconnect":
      case "slowConsumer":
        return;
    }
  }
}

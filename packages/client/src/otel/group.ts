import type { Attributes } from "@opentelemetry/api";
import type { HoldfastConnection } from "../client/connection.ts";
import { LEVELS, type Level, TOTALS, type Total } from "./metrics.ts";

type Totals = Record<Total, number>;
type Levels = Record<Level, number>;

/** What `nc.status()` and `nc.outbound.events()` tell and `counts()` does not. */
export type EventTotal = "full" | "disconnects" | "reconnects" | "stalls";

/**
 * The connections that share their attributes. They are one series to whoever collects, so their figures are added up, and those of
 * a closed one stay in the totals: a counter that fell would look like a restart of the process.
 */
export class Group {
  readonly attributes: Attributes;
  readonly #open = new Set<HoldfastConnection>();
  /** Of the connections that are open no longer; of all of them what was counted event by event. */
  readonly #past: Totals = zeros(TOTALS);

  constructor(attributes: Attributes) {
    this.attributes = attributes;
  }

  add(nc: HoldfastConnection): void {
    this.#open.add(nc);
  }

  /** Takes the connection's last figures over into the totals, and lets go of it. */
  remove(nc: HoldfastConnection): void {
    if (this.#open.delete(nc)) addTotals(this.#past, nc);
  }

  count(event: EventTotal): void {
    this.#past[event]++;
  }

  totals(): Totals {
    const totals = { ...this.#past };
    for (const nc of this.#open) addTotals(totals, nc);
    return totals;
  }

  levels(): Levels {
    const levels = zeros(LEVELS);
    for (const nc of this.#open) addLevels(levels, nc);
    return levels;
  }

  /** Seconds. */
  oldestAge(): number {
    let oldest = 0;
    for (const nc of this.#open) oldest = Math.max(oldest, nc.outbound.oldestAge);
    return oldest / 1000;
  }
}

function addTotals(totals: Totals, nc: HoldfastConnection): void {
  const counts = nc.outbound.counts();
  const { outBytes, inMsgs, inBytes } = nc.stats();
  totals.accepted += counts.accepted;
  totals.acceptedBytes += outBytes;
  totals.refused += counts.refused;
  totals.confirmed += counts.confirmed;
  totals.rejected += counts.rejected;
  totals.inDoubt += counts.inDoubt;
  totals.dropped += counts.dropped;
  totals.expired += counts.expired;
  totals.undeliverable += counts.undeliverable;
  totals.abandoned += counts.abandoned;
  totals.resent += counts.resent;
  totals.received += inMsgs;
  totals.receivedBytes += inBytes;
}

function addLevels(levels: Levels, nc: HoldfastConnection): void {
  const { held, limit, window, usable } = nc.outbound;
  levels.held += held.messages;
  levels.heldBytes += held.bytes;
  levels.inFlight += nc.outbound.counts().inFlight;
  // No number stands for "none" in every protocol of OpenTelemetry: infinity does not exist in OTLP's JSON.
  levels.limit += finite(limit.messages);
  levels.limitBytes += finite(limit.bytes);
  levels.windowBytes += window;
  levels.usable += usable ? 1 : 0;
}

function finite(limit: number): number {
  return limit === Infinity ? 0 : limit;
}

function zeros<K extends string>(keys: Readonly<Record<K, unknown>>): Record<K, number> {
  return Object.fromEntries(Object.keys(keys).map((key) => [key, 0])) as Record<K, number>;
}

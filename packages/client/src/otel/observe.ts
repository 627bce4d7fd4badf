import { InvalidArgumentError } from "@nats-io/nats-core";
import { type Attributes, type Meter, metrics } from "@opentelemetry/api";
import type { HoldfastConnection } from "../client/connection.ts";
import { Exporter } from "./exporter.ts";
import type { Group } from "./group.ts";

/** What `observeConnection()` can be told. */
export interface ObserveOptions {
  /**
   * Where the instruments are made. By default the meter `holdfast` of the global MeterProvider, which must be set before: until then
   * OpenTelemetry hands out meters that export nothing.
   */
  readonly meter?: Meter;
  /**
   * Put on every figure of this connection; by default none. Connections with the same attributes are one series: their figures are
   * added up, of `oldest_age` the largest counts. Every set of attributes is exported until the process ends, so take names
   * from a short list (`{ "nats.client.name": "orders" }`), nothing that is new for each connection.
   */
  readonly attributes?: Attributes;
}

/** What `observeConnection()` returns. */
export interface Observation {
  /**
   * Stops reading the connection. What it has counted so far stays in the totals. Not needed before or after `close()`: a closed
   * connection is let go of by itself. Safe to call twice.
   */
  stop(): void;
}

/** What is observed on a meter. */
interface Observed {
  readonly exporter: Exporter;
  readonly observations: WeakMap<HoldfastConnection, Observation>;
}

const meters = new WeakMap<Meter, Observed>();

/**
 * Exports what becomes of a connection's messages as OpenTelemetry metrics; docs/OBSERVING.md lists them. All are read when somebody
 * collects; nothing is done for a single message. `counts()` is exported whole, also what happened before this call; of full
 * buffers, disconnects, reconnects and stalls only what happens from now on.
 *
 * Nothing is counted twice: a connection is observed once on a meter, and another call returns the first observation, which keeps
 * its attributes. Throws `InvalidArgumentError` when `nc` is no connection of holdfast.
 */
export function observeConnection(nc: HoldfastConnection, options: ObserveOptions = {}): Observation {
  if (typeof nc?.outbound?.counts !== "function")
    throw new InvalidArgumentError("observeConnection: nc must be a connection of holdfast's connect()");
  const { meter = metrics.getMeter("holdfast"), attributes = {} } = options;
  const { exporter, observations } = observedOn(meter);
  const observation = observations.get(nc) ?? observe(nc, exporter.group(attributes));
  observations.set(nc, observation);
  return observation;
}

function observedOn(meter: Meter): Observed {
  const found = meters.get(meter) ?? { exporter: new Exporter(meter), observations: new WeakMap() };
  meters.set(meter, found);
  return found;
}

function observe(nc: HoldfastConnection, group: Group): Observation {
  group.add(nc);
  const stopCounting = countEvents(nc, group);
  // What was held is settled by then. `closed()` never rejects.
  nc.closed().then(
    () => group.remove(nc),
    () => {},
  );
  return {
    stop: () => {
      stopCounting();
      group.remove(nc);
    },
  };
}

/** Counts what the connection tells, until it is closed or the returned function is called. */
function countEvents(nc: HoldfastConnection, group: Group): () => void {
  const stopStatus = forEach(nc.status(), ({ type }) => {
    if (type === "disconnect") group.count("disconnects");
    if (type === "reconnect") group.count("reconnects");
  });
  const stopEvents = forEach(nc.outbound.events(), ({ type }) => {
    if (type === "full") group.count("full");
    if (type === "stalled") group.count("stalls");
  });
  return () => {
    stopStatus();
    stopEvents();
  };
}

/** Hands everything to `task`, until the source ends or the returned function is called. For sources that end without an error. */
function forEach<T>(source: AsyncIterable<T>, task: (item: T) => void): () => void {
  const reader = source[Symbol.asyncIterator]();
  const read = async (): Promise<void> => {
    for (let { done, value } = await reader.next(); done !== true; { done, value } = await reader.next()) task(value);
  };
  read().catch(() => {});
  return () => {
    reader.return?.().catch(() => {});
  };
}

import {
  type Attributes,
  type BatchObservableResult,
  type Meter,
  type MetricOptions,
  type Observable,
  ValueType,
} from "@opentelemetry/api";
import { Group } from "./group.ts";
import { LEVELS, type Level, type Metric, OLDEST_AGE, SENT, TOTALS, type Total } from "./metrics.ts";

/** What OpenTelemetry calls what we do. */
const MESSAGING: Attributes = { "messaging.system": "nats", "messaging.operation.name": "publish" };

/**
 * The instruments on one meter, and all that is observed there. They are read by one callback, so that the figures of one
 * collection are of one instant and add up.
 */
export class Exporter {
  readonly #totals: [Total, Observable][];
  readonly #levels: [Level, Observable][];
  readonly #oldestAge: Observable;
  readonly #sent: Observable;
  /** By the attributes, as a key. None is ever taken away: an SDK goes on exporting the last it was told. */
  readonly #groups = new Map<string, Group>();

  constructor(meter: Meter) {
    this.#totals = entriesOf(TOTALS, (metric) => meter.createObservableCounter(metric.name, settings(metric)));
    this.#levels = entriesOf(LEVELS, (metric) => meter.createObservableUpDownCounter(metric.name, settings(metric)));
    const age = { ...settings(OLDEST_AGE), valueType: ValueType.DOUBLE };
    this.#oldestAge = meter.createObservableGauge(OLDEST_AGE.name, age);
    this.#sent = meter.createObservableCounter(SENT.name, settings(SENT));
    const observables = [...this.#totals, ...this.#levels].map(([, observable]) => observable);
    meter.addBatchObservableCallback((result) => this.#observe(result), [...observables, this.#oldestAge, this.#sent]);
  }

  /** The connections with these attributes. */
  group(attributes: Attributes): Group {
    const key = JSON.stringify(Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1)));
    const group = this.#groups.get(key) ?? new Group({ ...attributes });
    this.#groups.set(key, group);
    return group;
  }

  #observe(result: BatchObservableResult): void {
    for (const group of this.#groups.values()) {
      const { attributes } = group;
      const totals = group.totals();
      const levels = group.levels();
      for (const [key, observable] of this.#totals) result.observe(observable, totals[key], attributes);
      for (const [key, observable] of this.#levels) result.observe(observable, levels[key], attributes);
      result.observe(this.#oldestAge, group.oldestAge(), attributes);
      const sent = { ...attributes, ...MESSAGING };
      result.observe(this.#sent, totals.confirmed, sent);
      result.observe(this.#sent, totals.rejected, { ...sent, "error.type": "rejected" });
      result.observe(this.#sent, totals.inDoubt, { ...sent, "error.type": "in_doubt" });
    }
  }
}

function settings({ unit, description }: Metric): MetricOptions {
  return { unit, description, valueType: ValueType.INT };
}

function entriesOf<K extends string>(
  metrics: Readonly<Record<K, Metric>>,
  make: (metric: Metric) => Observable,
): [K, Observable][] {
  return (Object.keys(metrics) as K[]).map((key) => [key, make(metrics[key])]);
}

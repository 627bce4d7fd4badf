/** An OpenTelemetry SDK that exports when the test says so. */
import assert from "node:assert/strict";
import type { Attributes, Meter } from "@opentelemetry/api";
import {
  AggregationTemporality,
  DataPointType,
  MeterProvider,
  type MetricData,
  MetricReader,
  type MetricReaderOptions,
} from "@opentelemetry/sdk-metrics";

/** What was exported at one instant. */
export class Collection {
  readonly metrics: ReadonlyMap<string, MetricData>;

  constructor(metrics: readonly MetricData[]) {
    this.metrics = new Map(metrics.map((metric) => [metric.descriptor.name, metric]));
  }

  /** The value of the series with exactly these attributes. */
  value(name: string, attributes: Attributes = {}): number {
    const metric = this.metrics.get(name);
    assert.ok(metric !== undefined, `${name} was not exported`);
    const same = (other: Attributes): boolean => JSON.stringify(sorted(other)) === JSON.stringify(sorted(attributes));
    const [point, second] = metric.dataPoints.filter((point) => same(point.attributes));
    assert.ok(point !== undefined && second === undefined, `${name} has no series ${JSON.stringify(attributes)}`);
    assert.ok(typeof point.value === "number", `${name} is a histogram`);
    return point.value;
  }

  /** Those of several, by name; the names begin with `nats.client.`, which is left out. */
  values<K extends string>(names: readonly K[], attributes: Attributes = {}): Record<K, number> {
    const entries = names.map((name) => [name, this.value(`nats.client.${name}`, attributes)]);
    return Object.fromEntries(entries) as Record<K, number>;
  }
}

class ManualReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** A MeterProvider with one reader, and one meter of it. */
export class Collector {
  readonly meter: Meter;
  readonly #reader: ManualReader;

  constructor(options: MetricReaderOptions = {}) {
    this.#reader = new ManualReader(options);
    this.meter = new MeterProvider({ readers: [this.#reader] }).getMeter("test");
  }

  async collect(): Promise<Collection> {
    const { resourceMetrics, errors } = await this.#reader.collect();
    assert.deepEqual(errors, []);
    return new Collection(resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics));
  }
}

/** What only says how much came since the last time. */
export function deltas(): Collector {
  return new Collector({ aggregationTemporalitySelector: () => AggregationTemporality.DELTA });
}

/** `counter`, `level` for what goes up and down and can be added up, `gauge` for what cannot. */
export function kindOf(metric: MetricData): string {
  if (metric.dataPointType === DataPointType.GAUGE) return "gauge";
  assert.equal(metric.dataPointType, DataPointType.SUM);
  return metric.isMonotonic ? "counter" : "level";
}

function sorted(attributes: Attributes): unknown {
  return Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * Publishes a reading every 10 ms and serves what becomes of them to Prometheus, on http://127.0.0.1:9464/metrics. Stop the
 * nats-server for a while and look at the dashboard. Ctrl-C or SIGTERM ends it in order.
 */
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { connect } from "holdfast";
import { observeConnection } from "holdfast/otel";

const { NATS_URL = "nats://127.0.0.1:4222", METRICS_PORT = "9464" } = process.env;

const exporter = new PrometheusExporter({ host: "127.0.0.1", port: Number(METRICS_PORT) });
const provider = new MeterProvider({ readers: [exporter] });

const nc = await connect({
  servers: NATS_URL,
  retryOnFailedConnect: true,
  reconnectBuffer: { maxBytes: 64 * 1024, whenFull: "drop-oldest" },
});
observeConnection(nc, { meter: provider.getMeter("holdfast"), attributes: { "nats.client.name": "sensors" } });
console.log(`publishing to ${NATS_URL}`);

const publishing = setInterval(() => nc.publish("sensors.7", (20 + Math.random() * 5).toFixed(2)), 10);

async function end(): Promise<void> {
  clearInterval(publishing);
  await nc.close();
  await provider.shutdown();
  console.log(JSON.stringify(nc.outbound.counts()));
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void end());

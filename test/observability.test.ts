import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type NatsServer, startNatsServer } from "holdfast/testing";
import { CHANNELS } from "../packages/client/src/client/diagnostics.ts";
import { LEVELS, type Metric, OLDEST_AGE, SENT, TOTALS } from "../packages/client/src/otel/metrics.ts";
import { freePort } from "../packages/client/src/testing/index.ts";
import { cellsOf } from "../scripts/shared/markdown-table.ts";
import { root } from "../scripts/shared/node.ts";
import { Program } from "./program.ts";

const EXAMPLE = "examples/observability";
const COUNTERS: readonly Metric[] = [...Object.values(TOTALS), SENT];
const OTHERS: readonly Metric[] = [...Object.values(LEVELS), OLDEST_AGE];

/** The panels of a dashboard, as far as they are looked at. */
interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}

test("the example shows an outage, and dashboard and alerts name only metrics that exist", { timeout: 60_000 }, async (t) => {
  await using server = await startNatsServer();
  const port = await freePort();
  const args = ["--conditions=source", "--import", "tsx", `${EXAMPLE}/publisher.ts`];
  await using publisher = new Program(root, args, { NATS_URL: server.url, METRICS_PORT: `${port}` }, t.signal);
  await publisher.until(/^publishing to/);
  await expectOutage(server, () => scrape(port));

  const exported = new Set((await scrape(port)).keys());
  assert.deepEqual([...exported].sort(), [...COUNTERS, ...OTHERS].map(javascriptName).sort());
  const known = new Set([...exported, ...[...COUNTERS, ...OTHERS].map(collectorName)]);
  const used = [...expressions()].flatMap(([place, expression]) => metricsIn(expression).map((name) => `${place}: ${name}`));
  assert.ok(used.length > 40, `${used.length} names`);
  assert.deepEqual(
    used.filter((use) => !known.has(use.slice(use.lastIndexOf(" ") + 1))),
    [],
  );

  publisher.kill("SIGTERM");
  assert.equal(await publisher.ended, 0, publisher.lines.join("\n"));
  const { accepted, confirmed } = JSON.parse(publisher.lines.at(-1) ?? "") as { accepted: number; confirmed: number };
  assert.ok(confirmed > 0 && confirmed <= accepted);
});

test("dashboard and alerts know what the JavaScript SDK and the Collector name differently", () => {
  const differing = [...COUNTERS, ...OTHERS].filter((metric) => javascriptName(metric) !== collectorName(metric));
  assert.deepEqual(differing, [OLDEST_AGE]);
  for (const [place, expression] of expressions()) {
    const names = metricsIn(expression).filter((name) => name.startsWith(javascriptName(OLDEST_AGE)));
    assert.ok(names.length === 0 || names.includes(collectorName(OLDEST_AGE)), `${place} knows one name alone`);
  }
});

test("docs/OBSERVING.md has every metric with its unit and its names in Prometheus, and every channel", () => {
  const rows = readFileSync(join(root, "docs/OBSERVING.md"), "utf8")
    .split("\n")
    .flatMap((line) => [cellsOf(line) ?? []]);
  const metrics = rows.filter(([first = ""]) => /^`(nats|messaging)\./.test(first)).map((cells) => cells.slice(0, 3));
  const expected = [...COUNTERS, ...OTHERS].map((metric) => {
    const names = [...new Set([javascriptName(metric), collectorName(metric)])];
    return [`\`${metric.name}\``, `\`${metric.unit}\``, names.map((name) => `\`${name}\``).join(", ")];
  });
  const byName = (rows: readonly (readonly string[])[]) => [...rows].sort(([a = ""], [b = ""]) => (a < b ? -1 : 1));
  assert.deepEqual(byName(metrics), byName(expected));
  const channels = rows.flatMap(([first = ""]) => first.match(/holdfast:\w+/g) ?? []);
  assert.deepEqual(channels, Object.values(CHANNELS));
});

/** The server goes and comes back; what is served must say so. */
async function expectOutage(server: NatsServer, look: () => Promise<Map<string, number>>): Promise<void> {
  const until = async (what: string, holds: (seen: (name: string) => number) => boolean): Promise<void> => {
    for (let tries = 0; tries < 400; tries++) {
      const series = await look();
      if (holds((name) => series.get(`nats_client_${name}`) ?? Number.NaN)) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.fail(`never seen: ${what}`);
  };
  await until("messages are confirmed", (seen) => seen("buffer_confirmed_messages_total") > 0);
  await server.terminate();
  await until(
    "messages are held",
    (seen) => seen("connection_usable") === 0 && seen("buffer_messages") > 10 && seen("buffer_oldest_age") > 0,
  );
  await server.restart();
  // The first connection counts, too: `connect()` had resolved before.
  await until("the backlog went out", (seen) => seen("connection_reconnects_total") === 2 && seen("buffer_messages") < 10);
}

/** The value of each metric, as Prometheus would fetch it; of several series the first. */
async function scrape(port: number): Promise<Map<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const series = text.split("\n").flatMap((line) => {
    const [, name, value] = /^(\w+)\{.*\} (\S+)$/.exec(line) ?? [];
    return name === undefined || name === "target_info" ? [] : [[name, Number(value)] as const];
  });
  return new Map(series.reverse());
}

/** Every PromQL expression of the example, with the place where it stands. */
function expressions(): Map<string, string> {
  const { panels } = JSON.parse(readFileSync(join(root, EXAMPLE, "dashboard.json"), "utf8")) as Dashboard;
  const found = new Map<string, string>(
    panels.flatMap(({ title, targets }) => targets.map(({ expr }, i) => [`${title} ${i}`, expr] as const)),
  );
  const alerts = readFileSync(join(root, EXAMPLE, "alerts.yml"), "utf8")
    .split(/^ *- alert: /m)
    .slice(1);
  for (const alert of alerts) {
    const [name = "", ...lines] = alert.split("\n");
    found.set(name, lines.join("\n").split("annotations:")[0] ?? "");
  }
  return found;
}

/** The metrics that an expression names; `name(_suffix)?` in a pattern is two. */
function metricsIn(expression: string): string[] {
  const names = [...expression.matchAll(/\b((?:nats|messaging)_\w+)(?:\((\w+)\)\?)?/g)].filter(
    ([name]) => name !== "nats_client_name",
  );
  return names.flatMap(([, name = "", suffix]) => (suffix === undefined ? [name] : [name, name + suffix]));
}

/** As `@opentelemetry/exporter-prometheus` names it. */
function javascriptName({ name }: Metric): string {
  return name.replaceAll(".", "_") + (COUNTERS.some((counter) => counter.name === name) ? "_total" : "");
}

/** As the Collector and Prometheus name it: with the unit, unless the name has it or it stands in braces. */
function collectorName(metric: Metric): string {
  const unit = { By: "bytes", s: "seconds" }[metric.unit];
  const name = metric.name.replaceAll(".", "_");
  const isNamed = unit === undefined || name.split("_").includes(unit);
  return name + (isNamed ? "" : `_${unit}`) + (COUNTERS.includes(metric) ? "_total" : "");
}

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type NatsServer, startNatsServer } from "holdfast/testing";
import { freePort } from "../packages/client/src/testing/index.ts";
import { root } from "../scripts/shared/node.ts";
import { run } from "../scripts/shared/run.ts";

const snippets = [...readFileSync(join(root, "docs/OBSERVING.md"), "utf8").matchAll(/^```ts\n(.*?)^```$/gms)].map(
  ([, code = ""]) => code,
);
/** A connection that holds what is published. */
const NOWHERE = '{ servers: "127.0.0.1:1", retryOnFailedConnect: true }';
let folder = "";
let server: NatsServer | undefined;

before(async () => {
  // Inside of the workspace, so that `holdfast` is found.
  const cache = join(root, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, "snippets-"));
  server = await startNatsServer();
});

after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server?.stop();
});

/** Runs a snippet, and after it what makes it do something; resolves to what was written. */
async function output(number: number, more: string, change: (code: string) => string = (code) => code): Promise<string> {
  const file = join(folder, `${number}.mts`);
  writeFileSync(file, `${change(snippets[number] ?? "")}\n${more}`);
  const args = ["--conditions=source", "--import", "tsx", file];
  const { ok, stdout, problem } = await run(process.execPath, args, { env: process.env, timeoutMs: 30_000, cwd: root });
  assert.ok(ok, problem);
  return stdout;
}

test("docs/OBSERVING.md: a connection is observed and served to Prometheus", async () => {
  const port = await freePort();
  const program = `
    nc.publish("a");
    await nc.flush();
    console.log(await (await fetch("http://localhost:${port}/metrics")).text());
    await nc.close();
    await provider.shutdown();`;
  const text = await output(0, program, (code) =>
    code
      .replace("nats://127.0.0.1:4222", server?.url ?? "")
      .replace("PrometheusExporter()", `PrometheusExporter({ port: ${port} })`),
  );
  assert.match(text, /^nats_client_buffer_confirmed_messages_total\{nats_client_name="orders",.*\} 1$/m);
});

test("docs/OBSERVING.md: what is not delivered is told on the channel", async () => {
  const program = `
    const nc = await (await import("holdfast")).connect(${NOWHERE});
    nc.publish("a.b");
    await nc.close();`;
  assert.equal(await output(1, program), "a.b from 127.0.0.1:1: abandoned\n");
});

test("docs/OBSERVING.md: every connection of a process is observed from its beginning", async () => {
  const program = `
    import { metrics } from "@opentelemetry/api";
    import { MeterProvider } from "@opentelemetry/sdk-metrics";
    import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
    import { connect } from "holdfast";
    const reader = new PrometheusExporter({ preventServerStart: true });
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
    for (let i = 0; i < 2; i++) (await connect(${NOWHERE})).publish("a");
    await new Promise(setImmediate);
    console.log(new PrometheusSerializer().serialize((await reader.collect()).resourceMetrics));
    process.exit();`;
  assert.match(await output(2, program), /^nats_client_buffer_messages\{.*\} 2$/m);
});

test("docs/OBSERVING.md has no other snippet", () => assert.equal(snippets.length, 3));

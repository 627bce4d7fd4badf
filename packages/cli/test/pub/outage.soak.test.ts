/**
 * What issue 7 must show: `holdfast pub` of a file with 100 000 lines through outages made by the fault proxy, into a stream. The stream
 * is read afterwards by the official client, past the proxy. The figures are printed.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { FaultProxy, NatsServer } from "holdfast/testing";
import { noServer, startCli } from "../cli.ts";
import { makeStream, readStream, roomFor } from "./stream.ts";
import { numberedLines, recordsIn, reportIn, startPlace } from "./watch.ts";

const skip = noServer();
const total = 100_000;
const lines = numberedLines(total);
const outageMs = 2_000;

interface Run {
  readonly stored: readonly string[];
  readonly undelivered: readonly string[];
  readonly states: ReadonlySet<unknown>;
  readonly report: Readonly<Record<string, unknown>>;
  readonly code: number | null;
}

/** The faults: how the link goes, and comes back after the outage. */
const faults: Readonly<Record<string, (proxy: FaultProxy) => Promise<void>>> = {
  reset: async (proxy) => {
    proxy.onAccept = "reset";
    await proxy.cut();
    await sleep(outageMs);
    proxy.onAccept = "forward";
  },
  // Bytes vanish both ways and nobody says so; at the end the connections are reset.
  "black hole": async (proxy) => {
    proxy.toServer.swallow();
    proxy.toClient.swallow();
    await sleep(outageMs);
    proxy.toServer.forward();
    proxy.toClient.forward();
    await proxy.cut();
  },
  // The first new connection is cut while the backlog goes out.
  flap: async (proxy) => {
    proxy.onAccept = "reset";
    await proxy.cut();
    await sleep(outageMs);
    proxy.cutNext({ toServer: 200_000, kind: "rst" });
    proxy.onAccept = "forward";
  },
};

async function run(t: TestContext, fault: string, options: readonly string[]): Promise<Run> {
  const { server, proxy, folder } = await startPlace(t, "nothing", { jetStream: roomFor(total) });
  await makeStream(server, "lines", "lines");
  const [input, left] = [join(folder, "input.txt"), join(folder, "left.jsonl")];
  writeFileSync(input, `${lines.join("\n")}\n`);
  const args = ["pub", "lines", "--lines", "--file", input, "--rate", "20000", "-s", proxy.url, "--reconnect-time-wait", "250ms"];
  const cli = startCli(t, [...args, "--undelivered", left, "--json", ...options]);
  await whenStored(server, 15_000);
  await faults[fault]?.(proxy);
  const { code, stdout, stderr } = await cli.ended;
  const report = reportIn(stdout);
  const stored = await readStream(server, "lines");
  const records = recordsIn(left);
  const seen = new Set(stored);
  t.diagnostic(
    `${fault} ${options.join(" ")}: exit code ${code}, ${stored.length} stored, ${seen.size} different, ${records.length} in the file, ` +
      `${records.filter(({ data }) => seen.has(String(data))).length} of them stored; ${stderr.trimEnd().split("\n").at(-1) ?? ""}`,
  );
  return {
    stored,
    undelivered: records.map(({ data }) => String(data)),
    states: new Set(records.map(({ state }) => state)),
    report,
    code,
  };
}

async function whenStored(server: NatsServer, messages: number): Promise<void> {
  const { connect } = await import("@nats-io/transport-node");
  const { jetstreamManager } = await import("@nats-io/jetstream");
  const nc = await connect({ servers: server.url });
  const manager = await jetstreamManager(nc);
  while ((await manager.streams.info("lines")).state.messages < messages) await sleep(50);
  await nc.close();
}

for (const fault of Object.keys(faults)) {
  test(`without delivery options every line is stored or in the file, none stored twice: ${fault}`, { skip }, async (t) => {
    const { stored, undelivered, states, report, code } = await run(t, fault, []);
    assert.equal(new Set(stored).size, stored.length, "stored twice");
    assert.deepEqual(new Set([...stored, ...undelivered]), new Set(lines));
    assert.equal(new Set(undelivered).size, undelivered.length);
    assert.ok([...states].every((state) => state === "inDoubt"));
    assert.deepEqual(
      [report.messages, report.inDoubt, report.confirmed],
      [total, undelivered.length, total - undelivered.length],
    );
    assert.equal(code, undelivered.length > 0 ? 3 : 0);
    const order = stored.map((line) => Number(line.slice("line ".length)));
    assert.ok(
      order.every((number, i) => i === 0 || number > (order[i - 1] ?? 0)),
      "out of order",
    );
  });

  test(`--at-least-once stores every line at least once, and as many copies more as were sent again, or fewer: ${fault}`, {
    skip,
  }, async (t) => {
    const { stored, undelivered, report, code } = await run(t, fault, ["--at-least-once"]);
    assert.equal(code, 0);
    assert.deepEqual(new Set(stored), new Set(lines));
    assert.equal(undelivered.length, 0);
    assert.ok(
      stored.length - total <= Number(report.resent),
      `${stored.length - total} copies, ${String(report.resent)} sent again`,
    );
  });

  test(`--at-least-once with --msg-id stores every line exactly once: ${fault}`, { skip }, async (t) => {
    const { stored, undelivered, code } = await run(t, fault, ["--at-least-once", "--msg-id"]);
    assert.deepEqual([code, undelivered.length], [0, 0]);
    assert.deepEqual([...stored].sort(), [...lines].sort());
  });

  test(`--jetstream stores every line exactly once: ${fault}`, { skip }, async (t) => {
    const { stored, undelivered, report, code } = await run(t, fault, ["--jetstream"]);
    assert.deepEqual([code, undelivered.length], [0, 0]);
    assert.deepEqual([...stored].sort(), [...lines].sort());
    assert.equal(report.stored, total);
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { withNumbersChecked } from "../bench/rigs/numbers.ts";
import { ROWS } from "../bench/rows.ts";
import { payloadPool } from "../bench/shared/payloads.ts";
import { startNatsServer } from "../packages/client/src/testing/index.ts";
import { root } from "../scripts/shared/node.ts";
import { findOnPath, run } from "../scripts/shared/run.ts";

/** What is promised to whoever reads the object. */
const QUICK = [
  "publish-16",
  "publish-1024",
  "append-down",
  "receive-callback",
  "receive-iterator",
  "request-1",
  "request-1024",
  "jetstream-512",
];

/** One for each kind of row: with its servers, its sides and its way to count. */
const TRIED = ["publish-16", "append-down", "receive-iterator", "request-1", "jetstream-512"];

interface QuickRow {
  readonly name: string;
  readonly holdfast: number;
  readonly control: number;
  readonly peers: Readonly<Record<string, { readonly median: number; readonly ratio: number }>>;
  readonly missing: Readonly<Record<string, string>>;
  readonly verified: boolean;
}

test("bench:quick has the rows that are promised", () => {
  assert.deepEqual(
    ROWS.filter(({ quick }) => quick !== undefined).map(({ name }) => name),
    QUICK,
  );
});

test("bench:quick prints one object with its rows, verified, against nats.js and, where Go is, nats.go", async () => {
  // As package.json has it, with little to do.
  const little = ["--rounds", "1", "--share", "0.01", ...TRIED];
  const args = ["--conditions=source", "--import", "tsx", "bench/quick.ts", "--json", ...little];
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { ok, stdout, problem } = await run(process.execPath, args, { env, cwd: root, timeoutMs: 170_000 });
  assert.ok(ok, problem);
  const { rows }: { readonly rows: readonly QuickRow[] } = JSON.parse(stdout);
  assert.deepEqual(
    rows.map(({ name }) => name),
    TRIED,
  );
  const wanted = findOnPath("go", process.env) === undefined ? ["nats.js"] : ["nats.js", "nats.go"];
  for (const { name, holdfast, control, peers, missing, verified } of rows) {
    assert.equal(verified, true, name);
    assert.deepEqual([Object.keys(peers), missing], [wanted, wanted.length === 2 ? {} : missing], name);
    for (const value of [holdfast, control, ...Object.values(peers).map(({ median }) => median)]) {
      assert.ok(Number.isFinite(value) && value > 0, `${name}: ${value}`);
    }
    for (const { median, ratio } of Object.values(peers)) assert.equal(ratio, holdfast / median, name);
  }
});

test("a row fails when a message is lost, comes twice, or comes out of order", async () => {
  await using server = await startNatsServer();
  const nc = await connect({ servers: server.url });
  const publish = (numbers: readonly number[]): Promise<void> =>
    withNumbersChecked({ url: server.url }, { subject: "bench.publish", messages: 4, bytes: 16 }, 1_000, async () => {
      const payloads = payloadPool(10, 16);
      for (const number of numbers) nc.publish("bench.publish", payloads[number]);
      await nc.flush();
    });
  await publish([0, 1, 2, 3]);
  await publish([3, 4, 5, 6]);
  await assert.rejects(publish([0, 1, 3]), /3 of 4 messages arrived; message 2 has the number 3, not 2/);
  await assert.rejects(publish([0, 1, 2]), /3 of 4 messages arrived/);
  await assert.rejects(publish([0, 1, 2, 3, 3]), /5 of 4 messages arrived; message 4 has the number 3, not 4/);
  await assert.rejects(publish([0, 1, 1, 2]), /4 of 4 messages arrived; message 2 has the number 1, not 2/);
  await assert.rejects(publish([0, 2, 1, 3]), /4 of 4 messages arrived; message 1 has the number 2, not 1/);
  await nc.close();
});

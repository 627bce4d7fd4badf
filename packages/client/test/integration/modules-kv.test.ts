/** The official key-value store on a Holdfast connection, through outages. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Kvm } from "@nats-io/kv";
import { type Outage, openModuleLine, through } from "./modules-harness.ts";
import { limit, numbers, until } from "./peers-harness.ts";

test("a KV watch sees, once and in order, what was put while its link was cut", limit, (t) => watchThrough(t, "rst"));

test("a KV watch sees, once and in order, what was put around a restart of the server", limit, (t) => watchThrough(t, "restart"));

async function watchThrough(t: TestContext, outage: Outage): Promise<void> {
  const modules = await openModuleLine(t);
  if (modules === undefined) return;
  const other = await new Kvm(modules.second).create("settings");
  const bucket = await new Kvm(modules.line.nc).open("settings");
  const put = async (from: number, to: number): Promise<void> => {
    for (const number of numbers(from, to)) await other.put(`key.${number}`, number);
  };
  const seen: string[] = [];
  const watch = await bucket.watch();
  const reading = (async () => {
    for await (const entry of watch) seen.push(entry.string());
  })();
  await put(1, 20);
  await until("what came before the outage", () => seen.length === 20);
  await through(outage, modules, () => put(21, 40));
  await put(41, 60);
  await until("all of it", () => seen.at(-1) === "60", 40_000);
  watch.stop();
  await reading;
  assert.deepEqual(seen, numbers(1, 60));
}

test("put() and get() made while the link is cut are answered after the reconnect", limit, async (t) => {
  const modules = await openModuleLine(t);
  if (modules === undefined) return;
  const other = await new Kvm(modules.second).create("settings");
  const bucket = await new Kvm(modules.line.nc).open("settings", { timeout: 20_000 });
  await other.put("before", "1");
  let answers: Promise<unknown>[] = [];
  await through("rst", modules, async () => {
    answers = [bucket.put("during", "2"), bucket.get("before").then((entry) => entry?.string())];
  });
  assert.deepEqual(await Promise.all(answers), [2, "1"]);
  assert.equal((await other.get("during"))?.string(), "2");
});

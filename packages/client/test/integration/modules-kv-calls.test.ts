/** The official key-value store on a Holdfast connection: each call, and those that an outage meets. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { JetStreamApiError, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { type KV, type KvEntry, Kvm, type KvOptions } from "@nats-io/kv";
import type { HoldfastOptions } from "../../src/index.ts";
import { serverVersionAtLeast } from "../../src/testing/index.ts";
import { type ModuleLine, type Outage, openModuleLine, through } from "./modules-harness.ts";
import { limit, numbers, until } from "./peers-harness.ts";

interface Buckets {
  readonly modules: ModuleLine;
  /** On Holdfast. */
  readonly ours: KV;
  /** The same bucket, on the official client, straight to the server. */
  readonly theirs: KV;
}

/** The calls of `ours` have 20 s, so that an outage does not end them. */
async function openBuckets(
  t: TestContext,
  options: Partial<KvOptions> = {},
  client: HoldfastOptions = {},
): Promise<Buckets | undefined> {
  const modules = await openModuleLine(t, client);
  if (modules === undefined) return undefined;
  const theirs = await new Kvm(modules.second).create("settings", options);
  return { modules, ours: await new Kvm(jetstream(modules.line.nc, { timeout: 20_000 })).open("settings"), theirs };
}

test("put(), get(), create(), update() and delete() of a KV keep to the revisions", limit, async (t) => {
  const buckets = await openBuckets(t, { history: 5 });
  if (buckets === undefined) return;
  const { ours, theirs } = buckets;
  assert.equal(await ours.get("a"), null);
  assert.equal(await ours.create("a", "1"), 1);
  await conflict(ours.create("a", "again"));
  assert.equal(await ours.put("a", "2"), 2);
  assert.equal(await theirs.update("a", "3", 2), 3);
  await conflict(ours.update("a", "4", 2));
  await conflict(ours.put("a", "4", { previousSeq: 2 }));
  assert.equal(await ours.update("a", "4", 3), 4);
  assert.throws(() => ours.update("a", "5", 0), /greater than 0/);
  const entry = await ours.get("a");
  assert.deepEqual(
    [entry?.string(), entry?.revision, entry?.operation, entry?.bucket, entry?.key],
    ["4", 4, "PUT", "settings", "a"],
  );
  assert.equal((await ours.get("a", { revision: 2 }))?.string(), "2");
  assert.equal(await ours.get("b", { revision: 2 }), null, "the revision is another key's");
  await conflict(ours.delete("a", { previousSeq: 2 }));
  await ours.delete("a", { previousSeq: 4 });
  assert.equal((await theirs.get("a"))?.operation, "DEL");
  assert.equal(await ours.create("a", "new"), 6);
  await assert.rejects(ours.put("a key", "1"), /invalid key/);
  await assert.rejects(ours.put("a.*", "1"), /invalid key/);
});

test("history(), keys() and purge() of a KV say what the official client says", limit, async (t) => {
  const buckets = await openBuckets(t, { history: 3 });
  if (buckets === undefined) return;
  const { ours, theirs } = buckets;
  for (const number of numbers(1, 5)) await ours.put("a.b", number);
  await ours.put("a.c", "1");
  await ours.put("d", "1");
  await ours.delete("d");
  for (const kv of [ours, theirs]) {
    assert.deepEqual(await entriesOf(kv.history({ key: "a.b" })), ["a.b PUT 3", "a.b PUT 4", "a.b PUT 5"]);
    assert.deepEqual(await entriesOf(kv.history({ key: "d" })), ["d PUT 1", "d DEL "]);
    assert.deepEqual(await entriesOf(kv.history({ key: "none" })), []);
    assert.deepEqual(await listOf(kv.keys()), ["a.b", "a.c"]);
    assert.deepEqual(await listOf(kv.keys("a.*")), ["a.b", "a.c"]);
    assert.deepEqual(await listOf(kv.keys("none")), []);
  }
  await ours.purge("a.b");
  assert.deepEqual(await entriesOf(ours.history({ key: "a.b" })), ["a.b PURGE "]);
  await ours.delete("a.*");
  assert.deepEqual(await listOf(ours.keys()), []);
});

test("status() and list() of KV buckets say what the official client says; destroy() removes one", limit, async (t) => {
  const buckets = await openBuckets(t, { history: 4, ttl: 60_000, description: "some settings", maxValueSize: 1_000 });
  if (buckets === undefined) return;
  const { ours, theirs, modules } = buckets;
  await ours.put("a", "1");
  const facts = async (kv: KV) => {
    const { bucket, values, history, ttl, description, maxValueSize, size, replicas, storage } = await kv.status();
    return { bucket, values, history, ttl, description, maxValueSize, size, replicas, storage };
  };
  assert.deepEqual(await facts(ours), await facts(theirs));
  const { bucket, values, history, ttl, description, maxValueSize } = await facts(ours);
  assert.deepEqual([bucket, values, history, ttl, description, maxValueSize], ["settings", 1, 4, 60_000, "some settings", 1_000]);
  await assert.rejects(ours.put("large", "x".repeat(1_001)), /maximum/);
  const kvm = new Kvm(modules.line.nc);
  await kvm.create("other");
  const found: string[] = [];
  for await (const status of kvm.list()) found.push(status.bucket);
  assert.deepEqual(found.sort(), ["other", "settings"]);
  assert.equal(await ours.destroy(), true);
  await assert.rejects(theirs.status(), /stream not found/);
});

test("a KV entry and the marker of a purge end at their own time to live", limit, async (t) => {
  const modules = await openModuleLine(t);
  if (modules === undefined) return;
  const { version } = modules.line.server;
  if (!serverVersionAtLeast(version, "2.11.0")) return t.skip(`needs nats-server 2.11.0 or newer; this is ${version}`);
  const kv = await new Kvm(modules.line.nc).create("limited", { markerTTL: 60_000 });
  const seen: string[] = [];
  const watch = await kv.watch();
  const reading = (async () => {
    for await (const entry of watch) seen.push(`${entry.key} ${entry.operation}`);
  })();
  await kv.create("lock", "mine", "1s");
  await kv.put("other", "stays");
  await until("the lock has ended", () => seen.length === 3);
  assert.deepEqual(seen, ["lock PUT", "other PUT", "lock PURGE"]);
  assert.equal(await kv.create("lock", "yours"), 4);
  watch.stop();
  await reading;
});

test("calls on a KV made while the link is cut are answered in order after the reconnect", limit, (t) =>
  callThrough(t, "rst", {}),
);

test("calls on a KV made while the server is restarted are answered in order after it", limit, (t) =>
  callThrough(t, "restart", {}),
);

test("calls on a KV made while the link is cut are answered in order after the reconnect, at-least-once", limit, (t) =>
  callThrough(t, "rst", { delivery: "at-least-once" }),
);

async function callThrough(t: TestContext, outage: Outage, client: HoldfastOptions): Promise<void> {
  const buckets = await openBuckets(t, { history: 64 }, client);
  if (buckets === undefined) return;
  const { ours, theirs, modules } = buckets;
  for (const key of ["updated", "deleted", "purged", "conflicting"]) await theirs.put(key, "before");
  let puts: Promise<number>[] = [];
  let calls: Promise<unknown>[] = [];
  await through(outage, modules, async () => {
    puts = numbers(1, 50).map((number) => ours.put("counter", number));
    calls = [
      ours.create("created", "1"),
      ours.update("updated", "2", 1),
      ours.delete("deleted"),
      ours.purge("purged"),
      conflict(ours.update("conflicting", "3", 4)),
      conflict(ours.create("conflicting", "4")),
    ];
    // Somebody else writes meanwhile: the update that is held must not win.
    await theirs.put("conflicting", "by another");
  });
  // Revision 5 is the other's.
  assert.deepEqual(await Promise.all(puts), numbers(6, 55).map(Number));
  assert.deepEqual((await Promise.all(calls)).slice(0, 2), [56, 57]);
  assert.deepEqual(
    await entriesOf(theirs.history({ key: "counter" })),
    numbers(1, 50).map((number) => `counter PUT ${number}`),
  );
  const now = async (key: string): Promise<string> => describe(await theirs.get(key));
  assert.deepEqual(await Promise.all(["created", "updated", "deleted", "purged", "conflicting"].map(now)), [
    "created PUT 1",
    "updated PUT 2",
    "deleted DEL ",
    "purged PURGE ",
    "conflicting PUT by another",
  ]);
}

test("put() of a KV whose timeout ends while the link is cut fails, and is not stored later", limit, (t) => expire(t, {}));

test("put() of a KV whose timeout ends while the link is cut fails, and is not stored later, at-least-once", limit, (t) =>
  expire(t, { delivery: "at-least-once" }),
);

async function expire(t: TestContext, client: HoldfastOptions): Promise<void> {
  const buckets = await openBuckets(t, {}, client);
  if (buckets === undefined) return;
  const { ours, theirs, modules } = buckets;
  let inTime: Promise<unknown> = Promise.resolve();
  await through("rst", modules, async () => {
    const late = numbers(1, 20).map((key) => assert.rejects(ours.put(key, "late", { timeout: 100 }), /timeout/i));
    inTime = ours.put("in.time", "kept");
    await Promise.all(late);
  });
  await inTime;
  await modules.line.nc.flush();
  assert.deepEqual(await listOf(theirs.keys()), ["in.time"]);
  assert.equal(modules.line.nc.outbound.counts().expired, 20);
}

test("put() of a KV that was on its way at the cut is stored once, whatever the level of delivery", limit, async (t) => {
  for (const delivery of ["at-most-once", "at-least-once"] as const) {
    const buckets = await openBuckets(t, { history: 64 }, { delivery });
    if (buckets === undefined) return;
    const { ours, theirs, modules } = buckets;
    const { line, second } = modules;
    line.proxy.toClient.hold();
    const failed = assert.rejects(ours.put("a", "once", { timeout: 1_000 }), /timeout/i);
    const manager = await jetstreamManager(second);
    while ((await manager.streams.info("KV_settings")).state.messages === 0);
    await line.down();
    line.proxy.toClient.forward();
    await line.up();
    await failed;
    await ours.put("a", "next");
    assert.deepEqual(await entriesOf(theirs.history()), ["a PUT once", "a PUT next"]);
    assert.equal(line.nc.outbound.counts().inDoubt, 1);
  }
});

async function conflict(call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof JetStreamApiError && /wrong last sequence/.test(error.message), String(error));
    return true;
  });
}

function describe(entry: KvEntry | null): string {
  return entry === null ? "none" : `${entry.key} ${entry.operation} ${entry.string()}`;
}

async function entriesOf(history: Promise<AsyncIterable<KvEntry>>): Promise<string[]> {
  return (await listOf(history)).map(describe);
}

async function listOf<T>(iterator: Promise<AsyncIterable<T>>): Promise<T[]> {
  const list: T[] = [];
  for await (const one of await iterator) list.push(one);
  return list;
}

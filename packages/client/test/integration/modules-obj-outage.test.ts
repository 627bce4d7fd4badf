/** The official object store on a Holdfast connection, through outages in the middle of put, get and watch. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { Objm } from "@nats-io/obj";
import type { HoldfastOptions } from "../../src/index.ts";
import { serverVersionAtLeast } from "../../src/testing/index.ts";
import { type Outage, openModuleLine, through } from "./modules-harness.ts";
import {
  assertSame,
  dataOf,
  digestOf,
  LARGE,
  openStores,
  putText,
  readObject,
  type Stores,
  streamOf,
  textOf,
} from "./modules-obj-stores.ts";
import { limit, numbers, until } from "./peers-harness.ts";

/** What the module puts into one message. */
const CHUNK = 128 * 1024;

test("an object of 50 MB is put while the link is cut and got while the server is restarted, whole, with little held", {
  timeout: 120_000,
}, async (t) => {
  const stores = await openStores(t);
  if (stores === undefined) return;
  const data = dataOf(LARGE);
  await putThrough(stores, "rst", data);
  let lost: Promise<void> | undefined;
  const got = await readObject(stores.ours, "file", async (come) => {
    if (come > LARGE / 3) lost ??= through("restart", stores.modules, async () => {});
    await lost;
  });
  assertSame(got, data);
});

test("a put whose next chunk meets a restart of the server goes on after the reconnect and is whole", limit, (t) =>
  putSmallThrough(t, "restart", {}),
);

test("a put whose next chunk meets a cut link goes on after the reconnect and is whole, at-least-once", limit, (t) =>
  putSmallThrough(t, "rst", { delivery: "at-least-once" }),
);

async function putSmallThrough(t: TestContext, outage: Outage, client: HoldfastOptions): Promise<void> {
  const stores = await openStores(t, client);
  if (stores === undefined) return;
  const data = dataOf(LARGE / 20);
  await putThrough(stores, outage, data);
  assertSame(await stores.theirs.getBlob("file"), data);
}

/** The link is cut between two chunks; the next one is published while it is down, held, and sent after the reconnect. */
async function putThrough({ modules, ours, theirs }: Stores, outage: Outage, data: Uint8Array): Promise<void> {
  const { outbound } = modules.line.nc;
  let lost: Promise<void> | undefined;
  let most = 0;
  const middle = async (given: number): Promise<void> => {
    most = Math.max(most, outbound.held.bytes);
    if (given < data.length / 2 || lost !== undefined) return;
    await new Promise<void>((resolve) => {
      lost = through(outage, modules, async () => {
        resolve();
        await until("the next chunk is held", () => outbound.counts().buffered === 1);
      });
    });
  };
  const info = await ours.put({ name: "file" }, streamOf(data, middle), { timeout: 30_000 });
  await lost;
  assert.ok(lost !== undefined);
  assert.ok(most <= outbound.limit.bytes, `${most} bytes were held`);
  assert.deepEqual([info.size, info.digest], [data.length, digestOf(data)]);
  assert.equal((await theirs.info("file"))?.digest, digestOf(data));
}

test("a put whose chunk is on its way when the link is cut fails, leaves nothing behind, and can be put again", limit, (t) =>
  putCut(t, {}),
);

test("a put whose chunk is on its way when the link is cut fails and leaves nothing behind, at-least-once", limit, (t) =>
  putCut(t, { delivery: "at-least-once" }),
);

/** The acknowledgement of a chunk is lost with the link. A request is never sent twice, so the module hears of it at its timeout. */
async function putCut(t: TestContext, client: HoldfastOptions): Promise<void> {
  const stores = await openStores(t, client);
  if (stores === undefined) return;
  const { modules, ours, theirs } = stores;
  const { line } = modules;
  await putText(theirs, "file", "the one before");
  const data = dataOf(2_000_000);
  let held = false;
  const hold = (given: number): void => {
    if (held || given < data.length / 2) return;
    held = true;
    line.proxy.toClient.hold();
  };
  const failed = assert.rejects(ours.put({ name: "file" }, streamOf(data, hold), { timeout: 2_000 }), /timeout/i);
  const { outbound } = line.nc;
  await until("the next chunk is on its way", () => held && outbound.held.bytes > CHUNK && outbound.counts().buffered === 0);
  await line.down();
  line.proxy.toClient.forward();
  await line.up();
  await failed;

  assert.equal(await textOf(ours, "file"), "the one before");
  assert.equal(await textOf(theirs, "file"), "the one before");
  const { state } = await (await jetstreamManager(modules.second)).streams.info("OBJ_files");
  assert.equal(state.messages, 2, "one chunk and one description: the chunks of the failed put were purged");
  await ours.put({ name: "file" }, streamOf(data));
  assertSame(await theirs.getBlob("file"), data);
}

test("a put whose timeout ends while the link is cut fails, and nothing of it is stored later", limit, async (t) => {
  const stores = await openStores(t);
  if (stores === undefined) return;
  const { modules, ours } = stores;
  const { line } = modules;
  const data = dataOf(1_000_000);
  let down: Promise<void> | undefined;
  const before = async (given: number): Promise<void> => {
    if (given < data.length / 2) return;
    down ??= line.down();
    await down;
  };
  // The purge that follows waits for the reconnect: it has a timeout of its own.
  const failed = assert.rejects(ours.put({ name: "file" }, streamOf(data, before), { timeout: 1_000 }), /timeout/i);
  await until("the chunk has expired", () => line.nc.outbound.counts().expired > 0);
  await line.up();
  await failed;
  const { state } = await (await jetstreamManager(modules.second)).streams.info("OBJ_files");
  assert.equal(state.messages, 0);
  assert.equal(await ours.info("file"), null);
});

test("a put in a fast batch fails when its link is cut, leaves nothing behind, and can be put again", limit, async (t) => {
  // An option of the module that it does not document yet.
  const batched: object = { allowBatched: true };
  const modules = await openModuleLine(t);
  if (modules === undefined) return;
  const { line } = modules;
  const { version } = line.server;
  if (!serverVersionAtLeast(version, "2.14.0")) return t.skip(`needs nats-server 2.14.0 or newer; this is ${version}`);
  const ours = await new Objm(line.nc).create("files", batched);
  const data = dataOf(5_000_000);
  let down: Promise<void> | undefined;
  const middle = async (given: number): Promise<void> => {
    if (given > data.length / 2) down ??= line.down();
    await down;
  };
  const failed = assert.rejects(ours.put({ name: "file" }, streamOf(data, middle), { timeout: 2_000 }), /timeout/i);
  // A part of a batch that its server has not seen belongs to the connection.
  await until("the batch has met the cut", () => down !== undefined && line.nc.outbound.counts().expired > 0);
  await line.up();
  await failed;
  const manager = await jetstreamManager(modules.second);
  assert.equal(await ours.info("file"), null);
  assert.equal((await manager.streams.info("OBJ_files")).state.messages, 0);
  await ours.put({ name: "file" }, streamOf(data));
  assertSame(await (await new Objm(modules.second).open("files")).getBlob("file"), data);
});

test("an object watch reports once and in order what was put while its link was cut", limit, (t) => watchThrough(t, "rst"));

test("an object watch reports once and in order what was put around a restart of the server", limit, (t) =>
  watchThrough(t, "restart"),
);

async function watchThrough(t: TestContext, outage: Outage): Promise<void> {
  const stores = await openStores(t);
  if (stores === undefined) return;
  const { modules, ours, theirs } = stores;
  const { version } = modules.line.server;
  // 2.9 delivers only the last of what came while the consumer of a watch was away, to any client.
  if (!serverVersionAtLeast(version, "2.10.0")) return t.skip(`needs nats-server 2.10.0 or newer; this is ${version}`);
  const put = async (from: number, to: number): Promise<void> => {
    for (const name of numbers(from, to)) await putText(theirs, name, name);
  };
  const seen: string[] = [];
  const watch = await ours.watch();
  const reading = (async () => {
    for await (const { name } of watch) seen.push(name);
  })();
  await put(1, 10);
  await until("what came before the outage", () => seen.length === 10);
  await through(outage, modules, () => put(11, 20));
  await put(21, 30);
  await until("all of it", () => seen.at(-1) === "30", 50_000);
  watch.stop();
  await reading;
  assert.deepEqual(seen, numbers(1, 30));
}

test("calls on an object store made while the link is cut are answered after the reconnect", limit, async (t) => {
  const stores = await openStores(t);
  if (stores === undefined) return;
  const { modules, ours, theirs } = stores;
  for (const name of ["a", "b", "c"]) await putText(theirs, name, name);
  const answers: Promise<unknown>[] = [];
  await through("rst", modules, async () => {
    answers.push(
      textOf(ours, "a"),
      ours.delete("b").then((answer) => answer.success),
      ours.info("c").then((info) => info?.size),
      ours.status().then((status) => status.bucket),
      putText(ours, "d", "while down"),
    );
  });
  assert.deepEqual(await Promise.all(answers), ["a", true, 1, "files", undefined]);
  assert.deepEqual((await theirs.list()).map(({ name }) => name).sort(), ["a", "c", "d"]);
  assert.equal(await textOf(theirs, "d"), "while down");
});

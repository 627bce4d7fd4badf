/** The official object store on a Holdfast connection: each call, seen through the official client as well. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { jetstream } from "@nats-io/jetstream";
import { type ObjectInfo, type ObjectStore, Objm } from "@nats-io/obj";
import { assertSame, dataOf, digestOf, openStores, putText, readObject, streamOf, textOf } from "./modules-obj-stores.ts";
import { limit, until } from "./peers-harness.ts";

test("an object goes in as a stream and comes out as a blob, and the other way round, whole", limit, async (t) => {
  const stores = await openStores(t);
  if (stores === undefined) return;
  const { ours, theirs } = stores;
  const data = dataOf(5_000_000);
  const info = await ours.put({ name: "a" }, streamOf(data));
  assert.deepEqual(
    { size: info.size, chunks: info.chunks, digest: info.digest, deleted: info.deleted },
    { size: 5_000_000, chunks: 39, digest: digestOf(data), deleted: false },
  );
  assertSame(await ours.getBlob("a"), data);
  await ours.putBlob({ name: "b" }, data);
  assertSame(await readObject(ours, "b"), data);
  assertSame(await readObject(theirs, "b"), data);
  await ours.putBlob({ name: "empty" }, new Uint8Array(0));
  assertSame(await theirs.getBlob("empty"), new Uint8Array(0));
});

test("an object whose digest does not match what was stored fails at its end, as a stream and as a blob", limit, async (t) => {
  const stores = await openStores(t);
  if (stores === undefined) return;
  const { ours, modules } = stores;
  const info = await ours.putBlob({ name: "damaged" }, dataOf(300_000));
  const meta = Buffer.from("damaged").toString("base64url");
  const wrong = { ...plain(info), nuid: info.nuid, digest: digestOf(dataOf(10)) };
  await jetstream(modules.second).publish(`$O.files.M.${meta}=`.replace(/=+$/, padding(meta)), JSON.stringify(wrong));
  await assert.rejects(ours.getBlob("damaged"), /digests do not match/);
  await assert.rejects(readObject(ours, "damaged"), /digests do not match/);
});

function padding(base64: string): string {
  return "=".repeat((4 - (base64.length % 4)) % 4);
}

test("info(), list(), update() and status() of an object store say what the official client says", limit, async (t) => {
  const stores = await openStores(t, {}, { description: "some files", ttl: 0 });
  if (stores === undefined) return;
  const { ours, theirs } = stores;
  await putText(ours, "a", "first".repeat(40), { description: "one", metadata: { kind: "text" } });
  await putText(ours, "b", "second");
  const first = await ours.info("a");
  assert.ok(first !== null);
  assert.deepEqual(
    [first.name, first.description, first.size, first.chunks, first.metadata, first.options],
    ["a", "one", 200, 4, { kind: "text" }, { max_chunk_size: 64 }],
  );
  await ours.update("b", { name: "c", description: "renamed" });
  assert.equal(await textOf(ours, "c"), "second");
  assert.equal(await ours.info("b"), null);
  await assert.rejects(ours.update("a", { name: "c" }), /already exists/);
  await assert.rejects(ours.update("missing", {}), /not found/);
  assert.deepEqual(names(await ours.list()), ["a", "c"]);
  assert.deepEqual((await ours.list()).map(plain), (await theirs.list()).map(plain));
  const [status, other] = [await ours.status(), await theirs.status()];
  assert.deepEqual(
    [status.bucket, status.description, status.sealed, status.storage, status.replicas, status.size],
    [other.bucket, other.description, other.sealed, other.storage, other.replicas, other.size],
  );
  assert.equal(status.description, "some files");
});

test("a deleted object is gone for get(), stays in list() as deleted, and can be put again", limit, async (t) => {
  const stores = await openStores(t);
  if (stores === undefined) return;
  const { ours, theirs } = stores;
  await putText(ours, "a", "x".repeat(200));
  const { success, purged } = await ours.delete("a");
  assert.deepEqual({ success, purged }, { success: true, purged: 4 });
  assert.equal(await ours.get("a"), null);
  assert.equal(await theirs.getBlob("a"), null);
  assert.equal((await ours.info("a"))?.deleted, true);
  assert.deepEqual(names(await ours.list()), []);
  assert.deepEqual(await ours.delete("never there"), { success: false, purged: 0 });
  await putText(ours, "a", "again");
  assert.equal(await textOf(theirs, "a"), "again");
});

test("a put over an object replaces it, and is refused when the revision it expects has passed", limit, async (t) => {
  const stores = await openStores(t);
  if (stores === undefined) return;
  const { ours, theirs } = stores;
  const first = await ours.putBlob({ name: "a" }, new TextEncoder().encode("one"));
  await putText(theirs, "a", "two");
  const outdated = ours.put({ name: "a" }, streamOf(dataOf(500_000)), { previousRevision: first.revision });
  await assert.rejects(outdated, /wrong last sequence/);
  assert.equal(await textOf(ours, "a"), "two");
  // What the refused one had stored was purged: the chunk and the description of "two" are left.
  assert.equal((await ours.status()).streamInfo.state.messages, 2);
});

test("an object watch reports what is put, updated and deleted, by anybody", limit, async (t) => {
  const stores = await openStores(t);
  if (stores === undefined) return;
  const { ours, theirs } = stores;
  await putText(theirs, "before", "1");
  const all = record(await ours.watch({ includeHistory: true }));
  const updates = record(await ours.watch());
  const living = record(await ours.watch({ ignoreDeletes: true }));
  await putText(theirs, "a", "1");
  await putText(ours, "b", "2");
  await theirs.delete("a");
  await ours.update("b", { description: "new" });
  await until("all watchers have all", () => updates.seen.length === 4 && all.seen.length === 5 && living.seen.length === 3);
  assert.deepEqual(updates.seen, ["a", "b", "a deleted", "b"]);
  assert.deepEqual(all.seen, ["before", ...updates.seen]);
  assert.deepEqual(living.seen, ["a", "b", "b"]);
  for (const { watch } of [all, updates, living]) watch.stop();
  await Promise.all([all.done, updates.done, living.done]);
});

test("a link leads to an object of another bucket; a link to a bucket has no data", limit, async (t) => {
  const stores = await openStores(t);
  if (stores === undefined) return;
  const { ours, theirs, modules } = stores;
  const archive = await new Objm(modules.line.nc).create("archive");
  const data = dataOf(400_000);
  const target = await archive.putBlob({ name: "old" }, data);
  const link = await ours.link("shortcut", target);
  assert.deepEqual(link.options?.link, { bucket: "archive", name: "old" });
  assertSame(await ours.getBlob("shortcut"), data);
  assertSame(await theirs.getBlob("shortcut"), data);
  await assert.rejects(ours.link("shortcut", target), /already exists/);
  await assert.rejects(ours.link("link to a link", link), /is a link/);
  await ours.linkStore("all of it", archive);
  await assert.rejects(ours.get("all of it"), /link is a bucket/);
});

test("a sealed bucket takes nothing more; list() of buckets has it; destroy() removes it", limit, async (t) => {
  const stores = await openStores(t);
  if (stores === undefined) return;
  const { ours, modules } = stores;
  await putText(ours, "a", "1");
  assert.equal((await ours.seal()).sealed, true);
  await assert.rejects(putText(ours, "b", "2"), /sealed/);
  assert.equal(await textOf(ours, "a"), "1");
  const objm = new Objm(modules.line.nc);
  await objm.create("other");
  const buckets: string[] = [];
  for await (const { bucket, sealed } of objm.list()) buckets.push(`${bucket} ${sealed ? "sealed" : "open"}`);
  assert.deepEqual(buckets.sort(), ["files sealed", "other open"]);
  await assert.rejects(objm.open("missing"), /not found/);
  assert.equal(await ours.destroy(), true);
  await assert.rejects(ours.status(), /not found/);
});

function record(watch: Awaited<ReturnType<ObjectStore["watch"]>>): {
  readonly watch: typeof watch;
  readonly seen: readonly string[];
  readonly done: Promise<void>;
} {
  const seen: string[] = [];
  const done = (async () => {
    for await (const info of watch) seen.push(`${info.name}${info.deleted ? " deleted" : ""}`);
  })();
  return { watch, seen, done };
}

function names(list: readonly ObjectInfo[]): string[] {
  return list.map((info) => info.name).sort();
}

/** What an `ObjectInfo` says, without its methods. */
function plain(info: ObjectInfo): object {
  const { name, description, options, bucket, chunks, deleted, digest, nuid, size, metadata } = info;
  return { name, description, options, bucket, chunks, deleted, digest, nuid, size, metadata };
}

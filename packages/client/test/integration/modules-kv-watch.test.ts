/** Watchers of the official key-value store on a Holdfast connection: every way to watch, through outages. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { type KV, Kvm, KvWatchInclude, type KvWatchOptions } from "@nats-io/kv";
import type { HoldfastOptions } from "../../src/index.ts";
import { type ModuleLine, openModuleLine, through } from "./modules-harness.ts";
import { limit, until } from "./peers-harness.ts";

/** Changes of a bucket, in order: a key, and its new value, or DEL or PURGE. */
type Changes = readonly string[];

const before = ["a 1", "a 2", "b 1", "b DEL", "c 1"] as const satisfies Changes;
const live = ["a 3", "x.y 1"] as const satisfies Changes;
const firstOutage = ["b 2", "a DEL"] as const satisfies Changes;
const between = ["a 4", "x.y 2"] as const satisfies Changes;
const secondOutage = ["c PURGE", "b 3"] as const satisfies Changes;
const afterwards = ["a 5", "x.y 3"] as const satisfies Changes;
const updates: Changes = [...live, ...firstOutage, ...between, ...secondOutage, ...afterwards];

/** Every way to watch, what it sees at first, and what of the updates. */
const watchers: readonly {
  readonly options: KvWatchOptions;
  readonly first: Changes;
  readonly later?: (change: string) => boolean;
}[] = [
  { options: {}, first: ["a 2", "b DEL", "c 1"] },
  { options: { include: KvWatchInclude.AllHistory }, first: before },
  { options: { include: KvWatchInclude.UpdatesOnly }, first: [] },
  { options: { ignoreDeletes: true }, first: ["a 2", "c 1"], later: (change) => !change.endsWith("DEL") },
  { options: { resumeFromRevision: 4 }, first: ["b DEL", "c 1"] },
  { options: { key: "a" }, first: ["a 2"], later: (change) => change.startsWith("a ") },
  {
    options: { key: "x.*", include: KvWatchInclude.UpdatesOnly },
    first: [],
    later: (change) => change.startsWith("x."),
  },
];

/** What happens to the link, and when the changes come. */
type Trouble = (modules: ModuleLine, changes: () => Promise<void>) => Promise<void>;

const cut: Trouble = (modules, changes) => through("rst", modules, changes);
const restart: Trouble = (modules, changes) => through("restart", modules, changes);

test("every kind of KV watch sees each change once and in order while its link is cut twice", limit, (t) =>
  watchThrough(t, cut, {}),
);

test("every kind of KV watch sees each change once and in order around two restarts of the server", limit, (t) =>
  watchThrough(t, restart, {}),
);

test("every kind of KV watch sees each change once and in order while its link is cut twice, at-least-once", limit, (t) =>
  watchThrough(t, cut, { delivery: "at-least-once" }),
);

test(
  "every kind of KV watch sees each change once and in order when its link is cut twice with changes on their way",
  limit,
  (t) => watchThrough(t, lose, {}),
);

/** The server has sent the changes, and the cut swallows them: the watchers find a gap, and ask again under a new subject. */
async function lose({ line, second }: ModuleLine, changes: () => Promise<void>): Promise<void> {
  line.proxy.toClient.hold();
  await changes();
  const { consumers } = await jetstreamManager(second);
  const isSent = async (): Promise<boolean> =>
    (await consumers.list("KV_settings").next()).every((info) => info.num_pending === 0);
  while (!(await isSent()));
  await line.down();
  line.proxy.toClient.forward();
  await line.up();
}

async function watchThrough(t: TestContext, trouble: Trouble, client: HoldfastOptions): Promise<void> {
  const modules = await openModuleLine(t, client);
  if (modules === undefined) return;
  const other = await new Kvm(modules.second).create("settings", { history: 10 });
  const bucket = await new Kvm(modules.line.nc).open("settings");
  await change(other, before);
  const records = await Promise.all(watchers.map(({ options }) => record(bucket, options)));
  const sees = (changes: Changes): Changes[] =>
    watchers.map(({ first, later = () => true }) => [...first, ...changes.filter(later)]);
  /** Since what it waits for has a last change for each watcher, a gap in the middle has been noticed by then. */
  const reached = (what: string, changes: Changes): Promise<void> => {
    const wanted = sees(changes);
    return until(what, () => records.every(({ seen }, index) => seen.length >= (wanted[index]?.length ?? 0)), 40_000);
  };

  await change(other, live);
  await reached("what came before the outage", live);
  await trouble(modules, () => change(other, firstOutage));
  await change(other, between);
  await reached("what came around the first outage", [...live, ...firstOutage, ...between]);
  await trouble(modules, () => change(other, secondOutage));
  await change(other, afterwards);
  await reached("all of it", updates);
  for (const { watch } of records) watch.stop();
  await Promise.all(records.map(({ done }) => done));
  assert.deepEqual(
    records.map(({ seen }) => seen),
    sees(updates),
  );
}

test(
  "a KV watch of many keys has their last values when it begins, and those alone after an outage that changed them",
  limit,
  async (t) => {
    const modules = await openModuleLine(t);
    if (modules === undefined) return;
    const other = await new Kvm(modules.second).create("settings");
    const bucket = await new Kvm(modules.line.nc).open("settings");
    const keys = Array.from({ length: 200 }, (_, index) => `key.${index}`);
    const putAll = async (value: string): Promise<void> => {
      await Promise.all(keys.map((key) => other.put(key, value)));
    };
    await putAll("old");
    const values = new Map<string, string>();
    let initial = 0;
    const watch = await bucket.watch();
    const reading = (async () => {
      for await (const entry of watch) {
        values.set(entry.key, entry.string());
        if (!entry.isUpdate) initial++;
      }
    })();
    const allAre = (value: string): boolean => values.size === 200 && [...values.values()].every((one) => one === value);
    await until("the first values", () => allAre("old"));
    // The last of the first values counts as an update for the module.
    assert.equal(initial, 199);
    await through("rst", modules, () => putAll("new"));
    await other.put("key.0", "newest");
    await until("the last change", () => values.get("key.0") === "newest");
    values.set("key.0", "new");
    assert.ok(allAre("new"));
    watch.stop();
    await reading;
  },
);

test("a KV watch with headers only has no values, and goes on after an outage", limit, async (t) => {
  const modules = await openModuleLine(t);
  if (modules === undefined) return;
  const other = await new Kvm(modules.second).create("settings");
  const bucket = await new Kvm(modules.line.nc).open("settings");
  await change(other, ["a 1"]);
  const { watch, seen, done } = await record(bucket, { headers_only: true });
  await change(other, ["b 22"]);
  await until("what came before the outage", () => seen.length === 2);
  await through("rst", modules, () => change(other, ["b 33", "c DEL"]));
  await change(other, ["a 2"]);
  await until("all of it", () => seen.length === 5);
  watch.stop();
  await done;
  assert.deepEqual(seen, ["a ", "b ", "b ", "c DEL", "a "]);
});

test("a KV watch ends when it is stopped while its link is cut, and its consumer goes with the bucket", limit, async (t) => {
  const modules = await openModuleLine(t);
  if (modules === undefined) return;
  const other = await new Kvm(modules.second).create("settings");
  const bucket = await new Kvm(modules.line.nc).open("settings");
  const { watch, seen, done } = await record(bucket, {});
  await change(other, ["a 1"]);
  await until("it has begun", () => seen.length === 1);
  await through("rst", modules, async () => {
    watch.stop();
    await done;
    await change(other, ["a 2"]);
  });
  await change(other, ["a 3"]);
  await modules.line.nc.flush();
  assert.deepEqual(seen, ["a 1"]);
  assert.equal(await other.destroy(), true);
});

async function change(kv: KV, changes: Changes): Promise<void> {
  for (const text of changes) {
    const [key = "", what = ""] = text.split(" ");
    if (what === "DEL") await kv.delete(key);
    else if (what === "PURGE") await kv.purge(key);
    else await kv.put(key, what);
  }
}

interface Recorded {
  readonly watch: Awaited<ReturnType<KV["watch"]>>;
  readonly seen: readonly string[];
  readonly done: Promise<void>;
}

async function record(kv: KV, options: KvWatchOptions): Promise<Recorded> {
  const seen: string[] = [];
  const watch = await kv.watch(options);
  const done = (async () => {
    for await (const { key, operation, value } of watch) {
      seen.push(`${key} ${operation === "PUT" ? new TextDecoder().decode(value) : operation}`);
    }
  })();
  return { watch, seen, done };
}

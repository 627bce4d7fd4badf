import assert from "node:assert/strict";
import { test } from "node:test";
import { Feed } from "../../src/client/feed.ts";
import { collect } from "./harness.ts";

const item = (n: number): { n: number } => ({ n });

test("a listener that falls behind keeps the newest 1024, and knows how many it missed", async () => {
  const feed = new Feed<{ n: number }>();
  const lazy = feed.listen();
  for (let n = 0; n < 1024; n++) feed.report(item(n));
  assert.equal(lazy.missed, 0);
  for (let n = 1024; n < 1034; n++) feed.report(item(n));
  const late = feed.listen();
  feed.report(item(1034));
  assert.deepEqual([lazy.missed, late.missed], [11, 0]);
  feed.close();
  const items = await collect(lazy);
  assert.deepEqual([items.length, items[0], items.at(-1)], [1024, item(11), item(1034)]);
  assert.equal(lazy.missed, 11);
  assert.deepEqual(await collect(late), [item(1034)]);
});

test("a reader that keeps up misses nothing", async () => {
  const feed = new Feed<{ n: number }>();
  const listener = feed.listen();
  const reading = collect(listener);
  for (let n = 0; n < 5000; n++) {
    feed.report(item(n));
    if (n % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
    else await null;
  }
  feed.close();
  assert.equal((await reading).length, 5000);
  assert.equal(listener.missed, 0);
});

test("a listener that stops or leaves its loop is forgotten, and those of a closed feed end at once", async () => {
  const feed = new Feed<{ n: number }>();
  const [stopped, left] = [feed.listen(), feed.listen()];
  feed.report(item(1));
  stopped.stop();
  stopped.stop();
  for await (const _ of left) break;
  assert.equal(feed.listeners, 0);
  feed.report(item(2));
  assert.deepEqual(await collect(stopped), [item(1)]);
  feed.close();
  feed.close();
  feed.report(item(3));
  assert.deepEqual(await collect(feed.listen()), []);
});

test("an error given to stop() ends that one iteration with it", async () => {
  const feed = new Feed<{ n: number }>();
  const [failing, other] = [feed.listen(), feed.listen()];
  const reading = collect(failing);
  failing.stop(new Error("enough"));
  feed.report(item(1));
  feed.close();
  await assert.rejects(reading, /enough/);
  assert.deepEqual(await collect(other), [item(1)]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Status } from "@nats-io/nats-core";
import { StatusFeed, type StatusIterator } from "../../src/client/status.ts";

const ping = (pendingPings: number): Status => ({ type: "ping", pendingPings });

async function read(iterator: StatusIterator): Promise<Status[]> {
  const events: Status[] = [];
  for await (const event of iterator) events.push(event);
  return events;
}

test("every listener gets every event from its beginning on, and close at the end", async () => {
  const feed = new StatusFeed();
  const early = feed.listen();
  feed.report(ping(1));
  const late = feed.listen();
  feed.report(ping(2));
  feed.close();
  assert.deepEqual(await read(early), [ping(1), ping(2), { type: "close" }]);
  assert.deepEqual(await read(late), [ping(2), { type: "close" }]);
});

test("a listener that stops, or leaves its loop, is forgotten", async () => {
  const feed = new StatusFeed();
  const stopped = feed.listen();
  const left = feed.listen();
  feed.report(ping(1));
  stopped.stop();
  assert.equal(feed.listeners, 1);
  for await (const _ of left) break;
  assert.equal(feed.listeners, 0);
  feed.report(ping(2));
  assert.deepEqual(await read(stopped), [ping(1)]);
});

test("a listener that does not read keeps the newest 1024 events", async () => {
  const feed = new StatusFeed();
  const lazy = feed.listen();
  for (let n = 0; n < 2000; n++) feed.report(ping(n));
  lazy.stop();
  const events = await read(lazy);
  assert.equal(events.length, 1024);
  assert.deepEqual([events[0], events.at(-1)], [ping(976), ping(1999)]);
});

test("listening to a closed feed ends at once", async () => {
  const feed = new StatusFeed();
  feed.close();
  feed.close();
  assert.deepEqual(await read(feed.listen()), []);
});

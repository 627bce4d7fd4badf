/** The official object store on a Holdfast connection, through outages whose end takes the module its heartbeat of 30 s to notice. */
import { test } from "node:test";
import { through } from "./modules-harness.ts";
import { assertSame, dataOf, LARGE, openStores, readObject } from "./modules-obj-stores.ts";

test("a get of 50 MB in whose middle the link is cut three times goes on after each reconnect and is whole", {
  timeout: 600_000,
}, async (t) => {
  const stores = await openStores(t);
  if (stores === undefined) return;
  const { modules, ours, theirs } = stores;
  const data = dataOf(LARGE);
  await theirs.putBlob({ name: "file" }, data);
  let cuts = 0;
  const got = await readObject(ours, "file", async (come) => {
    if (come < (LARGE / 4) * (cuts + 1) || cuts === 3) return;
    cuts++;
    // The server waits for an answer to its flow control that the cut has swallowed, until a heartbeat tells of it.
    await through("rst", modules, async () => {});
  });
  assertSame(got, data);
});

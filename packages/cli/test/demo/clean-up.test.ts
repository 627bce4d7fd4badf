import assert from "node:assert/strict";
import { test } from "node:test";
import { CleanUp } from "../../src/demo/clean-up.ts";

test("steps run once each, the last added first, however often it is asked for", async () => {
  const cleanUp = new CleanUp();
  const ran: number[] = [];
  for (const step of [1, 2, 3]) await cleanUp.add(async () => void ran.push(step));
  await Promise.all([cleanUp.run(), cleanUp.run()]);
  await cleanUp.run();
  assert.deepEqual(ran, [3, 2, 1]);
});

test("what starts after the clean-up is ended at once", async () => {
  const cleanUp = new CleanUp();
  await cleanUp.run();
  let ended = false;
  await cleanUp.add(async () => {
    ended = true;
  });
  assert.ok(ended);
});

test("a step that fails does not keep the others from running, and is reported", async () => {
  const cleanUp = new CleanUp();
  let ran = false;
  await cleanUp.add(async () => {
    ran = true;
  });
  await cleanUp.add(() => Promise.reject(new Error("stuck")));
  await assert.rejects(cleanUp.run(), /stuck/);
  assert.ok(ran);
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { nodeRuntime } from "../../src/transport/node-runtime.ts";

test("node runtime: a timer runs once, and never before its time by now()", async () => {
  const early: number[] = [];
  let runs = 0;
  await Promise.all(
    Array.from({ length: 300 }, (_, i) => {
      const delay = i / 10;
      const due = nodeRuntime.now() + delay;
      return new Promise<void>((resolve) => {
        nodeRuntime.timer(delay, () => {
          runs++;
          if (nodeRuntime.now() < due) early.push(delay);
          resolve();
        });
      });
    }),
  );
  assert.deepEqual(early, []);
  await sleep(5);
  assert.equal(runs, 300);
});

test("node runtime: a timer of more than 2^31 ms does not run at once, and Node does not warn", async () => {
  const warnings: Error[] = [];
  const warned = (warning: Error): void => void warnings.push(warning);
  process.on("warning", warned);
  let ran = false;
  const timers = [2 ** 31, 2 ** 40, Number.POSITIVE_INFINITY].map((delay) => nodeRuntime.timer(delay, () => (ran = true)));
  await sleep(20);
  for (const timer of timers) timer.cancel();
  process.off("warning", warned);
  assert.equal(ran, false);
  assert.deepEqual(warnings, []);
});

test("node runtime: a delay that is negative or no number is none", async () => {
  await new Promise<void>((resolve) => nodeRuntime.timer(-5, resolve));
  await new Promise<void>((resolve) => nodeRuntime.timer(Number.NaN, resolve));
});

test("node runtime: a cancelled timer does not run, and may be cancelled again, also after it ran", async () => {
  let ran = false;
  const cancelled = nodeRuntime.timer(1, () => (ran = true));
  cancelled.cancel();
  cancelled.cancel();
  const done = await new Promise<ReturnType<typeof nodeRuntime.timer>>((resolve) => {
    const timer = nodeRuntime.timer(10, () => resolve(timer));
  });
  done.cancel();
  done.keepAlive(true);
  assert.equal(ran, false);
});

test("node runtime: deferred tasks run after the promise jobs that are due, the next turn after both", async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    setImmediate(() => {
      nodeRuntime.nextTurn(() => {
        order.push("next turn");
        resolve();
      });
      void Promise.resolve().then(() => {
        nodeRuntime.defer(() => order.push("deferred"));
        order.push("job 1");
        void Promise.resolve().then(() => order.push("job 2"));
      });
    });
  });
  assert.deepEqual(order, ["job 1", "job 2", "deferred", "next turn"]);
});

test("node runtime: a process lives as long as a timer holds it, and no longer", async () => {
  assert.equal(await printed("nodeRuntime.timer(1000, () => console.log('ran')).keepAlive(false)"), "");
  assert.equal(
    await printed("const t = nodeRuntime.timer(50, () => console.log('ran')); t.keepAlive(false); t.keepAlive(true)"),
    "ran\n",
  );
  assert.equal(await printed("nodeRuntime.timer(50, () => console.log('ran'))"), "ran\n");
});

test("node runtime: clocks and randomness are Node's", () => {
  assert.ok(Math.abs(nodeRuntime.epoch() - Date.now()) < 1000);
  assert.ok(nodeRuntime.now() <= performance.now());
  const numbers = Array.from({ length: 1000 }, () => nodeRuntime.random());
  assert.ok(numbers.every((n) => n >= 0 && n < 1));
  assert.ok(new Set(numbers).size > 990);
});

/** What a process prints that runs `code` and ends by itself. */
async function printed(code: string): Promise<string> {
  const module = new URL("../../src/transport/node-runtime.ts", import.meta.url).href;
  const program = `import { nodeRuntime } from ${JSON.stringify(module)}; ${code};`;
  const child = spawn(process.execPath, [...process.execArgv, "--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (bytes) => {
    output += bytes;
  });
  const [code_] = await once(child, "close");
  assert.equal(code_, 0);
  return output;
}

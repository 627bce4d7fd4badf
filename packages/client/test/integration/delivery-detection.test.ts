/**
 * How soon a link is given up that is dead without a word. The bounds are those of the issue plus slack for a loaded machine; what was
 * measured is printed.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { connect as connectOfficial } from "@nats-io/transport-node";
import { levels } from "./delivery-outages.ts";
import { makeTlsFiles } from "./delivery-tls-files.ts";
import { Bed } from "./loss-bed.ts";
import { type Mix, small } from "./loss-messages.ts";
import { limit, pause, Run } from "./loss-rig.ts";
import { statusOf } from "./peers-harness.ts";

const beds = [
  { what: "", bed: new Bed() },
  { what: "TLS, ", bed: new Bed(makeTlsFiles) },
];
const mebibyte = 1024 * 1024;
const stallTimeout = 500;
const reconnectWait = 10;
/** The issue's own allowance, and what a machine with too much to do may add, ms. */
const allowance = 2_000;
const slack = 3_000;
const kilobyte: Mix = { size: () => 1_024 };

/** Swallows both ways on the open connections, and only there. */
function hole(run: Run, directions: readonly ("toServer" | "toClient")[] = ["toServer", "toClient"]): void {
  for (const connection of run.proxy.connections) for (const direction of directions) connection[direction].swallow();
}

/** Resolves with the milliseconds from now to the next reconnect. Says when the connection was given up, too. */
async function timeToReconnect(t: TestContext, run: Run): Promise<number> {
  const start = performance.now();
  const since = (): number => Math.round(performance.now() - start);
  const events = run.nc.outbound.events();
  const stalled = (async () => {
    for await (const event of events) if (event.type === "stalled") return since();
    return Number.NaN;
  })();
  await statusOf(run.nc, "reconnect");
  const ms = since();
  t.diagnostic(`given up after ${await stalled} ms, reconnected after ${ms} ms (stallTimeout ${stallTimeout})`);
  return ms;
}

for (const { what, bed } of beds) {
  for (const delivery of levels) {
    test(
      `${what}${delivery}: a black hole on the open connection at 10 000 messages a second is left in seconds`,
      limit,
      async (t) => {
        const run = await Run.start(t, bed, { mix: small, client: { delivery, stallTimeout } });
        const publishing = run.publishFor(1_600, 10_000);
        await pause(300);
        hole(run);
        const ms = await timeToReconnect(t, run);
        await publishing;
        const bound = stallTimeout + reconnectWait + allowance + slack;
        assert.ok(ms >= stallTimeout && ms <= bound, `${ms} ms, not within ${bound}`);
        const { unconfirmedBytes } = await run.finish(t);
        // 64 KiB, if nothing holds this process up.
        assert.ok(unconfirmedBytes <= 512 * 1024, `${unconfirmedBytes} bytes in doubt or sent again`);
      },
    );
  }
}

test("a black hole on the open connection of a publisher at full speed is left in seconds", limit, async (t) => {
  const { bed } = beds[0] ?? assert.fail();
  const client = { delivery: "at-least-once", stallTimeout, reconnectBuffer: 16 * mebibyte } as const;
  const run = await Run.start(t, bed, { mix: kilobyte, client });
  const end = new AbortController();
  const publishing = publishAtFullSpeed(run, end.signal);
  await pause(700);
  const { window } = run.nc.outbound;
  hole(run);
  const ms = await timeToReconnect(t, run);
  end.abort();
  await publishing;
  // Up to the first fence is at most a quarter of the window, and 1 MiB; a link may be as slow as 1 Mbit/s.
  const ahead = Math.min(mebibyte, window / 4 + 65_536) / 125;
  const bound = stallTimeout + reconnectWait + ahead + allowance + slack;
  t.diagnostic(`the window was ${window} bytes, so up to ${Math.round(ahead)} ms more are allowed`);
  assert.ok(ms >= stallTimeout && ms <= bound, `${ms} ms, not within ${bound}`);
  await run.finish(t);
});

for (const delivery of levels) {
  test(`${delivery}: an uplink that is dead while the downlink is busy is found, five times later`, limit, async (t) => {
    const { bed } = beds[0] ?? assert.fail();
    const quick = 200;
    const run = await Run.start(t, bed, { mix: small, client: { delivery, stallTimeout: quick } });
    run.nc.subscribe("noise", { callback: () => {} });
    await run.nc.flush();
    const other = await connectOfficial({ servers: bed.server.url });
    const noise = setInterval(() => other.publish("noise", "x"), 20);
    t.after(async () => {
      clearInterval(noise);
      await other.close();
    });
    const publishing = run.publishFor(1_800, 5_000);
    await pause(300);
    hole(run, ["toServer"]);
    const ms = await timeToReconnect(t, run);
    await publishing;
    const bound = 6 * quick + reconnectWait + allowance + slack;
    assert.ok(ms >= 5 * quick && ms <= bound, `${ms} ms, not from ${5 * quick} to ${bound}`);
    await run.finish(t);
  });

  test(`${delivery}: a downlink that is dead while the uplink works is found, and everything has arrived`, limit, async (t) => {
    const { bed } = beds[0] ?? assert.fail();
    const run = await Run.start(t, bed, { mix: small, client: { delivery, stallTimeout } });
    const publishing = run.publishFor(1_500, 5_000);
    await pause(300);
    hole(run, ["toClient"]);
    const ms = await timeToReconnect(t, run);
    await publishing;
    assert.ok(ms >= stallTimeout && ms <= stallTimeout + reconnectWait + allowance + slack, `${ms} ms`);
    const { inDoubt, storedInDoubt, stored, duplicated, resent } = await run.finish(t);
    assert.equal(storedInDoubt, inDoubt);
    assert.equal(stored, run.accepted);
    assert.equal(duplicated, resent);
  });
}

test("a quiet connection that is dead is given up at its first message, not before", limit, async (t) => {
  const { bed } = beds[0] ?? assert.fail();
  const run = await Run.start(t, bed, { mix: small, client: { stallTimeout, delivery: "at-least-once" } });
  hole(run);
  await pause(1_000);
  assert.equal(run.proxy.accepted, 1);
  run.publish();
  const ms = await timeToReconnect(t, run);
  assert.ok(ms >= stallTimeout && ms <= stallTimeout + reconnectWait + allowance + slack, `${ms} ms`);
  const { resent } = await run.finish(t);
  assert.equal(resent, 1);
});

test(
  "a loop that is blocked for longer than stallTimeout does not take its own deafness for the server's silence",
  limit,
  async (t) => {
    const { bed } = beds[0] ?? assert.fail();
    const run = await Run.start(t, bed, { mix: small, client: { stallTimeout }, direct: true });
    for (let round = 0; round < 2; round++) {
      run.burst(200);
      // Handed over, and the stall clock runs.
      await pause(1);
      const end = performance.now() + 2 * stallTimeout;
      while (performance.now() < end);
    }
    const { links, inDoubt } = await run.finish(t);
    assert.deepEqual({ links, inDoubt }, { links: 1, inDoubt: 0 });
  },
);

/** As fast as `publish()` says that it may. */
async function publishAtFullSpeed(run: Run, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (let i = 0; i < 200; i++) run.publish();
    if (run.nc.outbound.held.bytes > 8 * mebibyte) await pause(1);
    else await new Promise<void>((resolve) => setImmediate(resolve));
    await run.nc.outbound.writable({ signal }).catch(() => {});
  }
}

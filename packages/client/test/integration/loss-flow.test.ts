/** Links that are slow, or stop for a while, or swallow what they are given: nothing is lost, and nothing comes twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Bed } from "./loss-bed.ts";
import { huge, light } from "./loss-messages.ts";
import { limit, pause, Run } from "./loss-rig.ts";

const bed = new Bed();
const mebibyte = 1024 * 1024;

test("20 000 messages published while the proxy holds all arrive when it goes on, and none is in doubt", limit, async (t) => {
  const run = await Run.start(t, bed, { mix: light });
  run.proxy.toServer.hold();
  run.burst(20_000);
  await pause(700);
  const { confirmed, inFlight, buffered } = run.nc.outbound.counts();
  assert.equal(confirmed, 0);
  assert.ok(inFlight < 1_000 && buffered > 19_000, `${inFlight} are in flight, ${buffered} buffered`);
  run.proxy.toServer.forward();
  const { stored, inDoubt, links } = await run.finish(t);
  assert.deepEqual({ stored, inDoubt, links }, { stored: 20_000, inDoubt: 0, links: 1 });
});

test("a proxy that holds again and again while messages come at 5 000 a second loses nothing", limit, async (t) => {
  const run = await Run.start(t, bed);
  const publishing = run.publishFor(1_000);
  for (const direction of ["toServer", "toClient", "toServer", "toClient"] as const) {
    run.proxy[direction].hold();
    await pause(150);
    run.proxy[direction].forward();
    await pause(80);
  }
  await publishing;
  const { inDoubt, links } = await run.finish(t);
  assert.deepEqual({ inDoubt, links }, { inDoubt: 0, links: 1 });
});

test("a link that is cut while it is held leaves one window in doubt, and the rest arrives", limit, async (t) => {
  const run = await Run.start(t, bed, { mix: light });
  run.proxy.toServer.hold();
  run.burst(20_000);
  await pause(300);
  run.cut();
  run.proxy.toServer.forward();
  const { inDoubt, stored } = await run.finish(t);
  assert.ok(inDoubt > 0 && inDoubt < 1_000, `${inDoubt} in doubt`);
  assert.equal(stored, 20_000 - inDoubt);
});

for (const direction of ["toServer", "toClient"] as const) {
  test(`a black hole ${direction} with a reset at its end leaves at most one window in doubt`, limit, async (t) => {
    const run = await Run.start(t, bed);
    const publishing = run.publishFor(1_000);
    await pause(200);
    run.proxy[direction].swallow();
    await pause(500);
    run.cut();
    run.proxy[direction].forward();
    await publishing;
    const { inDoubt, storedInDoubt } = await run.finish(t);
    assert.ok(inDoubt > 0);
    // What vanished on the way to the server is not there; if only PONGs vanished, all of it is.
    if (direction === "toClient") assert.equal(storedInDoubt, inDoubt);
  });
}

for (const kind of ["rst", "fin"] as const) {
  test(
    `${kind}: a message of 12 MB that is half in the kernel when the link dies goes whole, and once, to the next one`,
    limit,
    async (t) => {
      const run = await Run.start(t, bed, { mix: huge });
      run.burst(1);
      await run.nc.flush();
      const [first] = run.proxy.connections;
      run.proxy.toServer.hold();
      run.burst(5);
      await pause(200);
      assert.ok(run.nc.outbound.counts().buffered >= 4);
      run.cut(kind);
      run.proxy.toServer.forward();
      const second = await run.proxy.nextConnection();
      // And once more, so early that the kernels between (10 MB on a proxy that is slow to read) cannot have the rest of it.
      second.toServer.cutAfter(234_567, kind);
      const { inDoubt, stored, links } = await run.finish(t);
      // Behind its FIN the proxy reads on: the client can hand over the rest before it has read the FIN.
      if (kind === "rst") assert.equal(inDoubt, 0);
      assert.deepEqual({ stored, links }, { stored: 6 - inDoubt, links: 3 });
      assert.ok((first?.toServer.forwarded ?? 0) < 1_000);
    },
  );
}

test("a backlog of 1 MiB goes through a link of 1 Mbit/s", limit, async (t) => {
  const run = await Run.start(t, bed, { mix: light });
  run.breakLink("rst");
  await pause(50);
  while (run.nc.outbound.held.bytes < mebibyte) run.publish();
  run.proxy.toServer.throttle(125_000);
  run.proxy.toClient.throttle(125_000);
  await run.mendLink();
  const { inDoubt, stored } = await run.finish(t);
  assert.deepEqual({ inDoubt, stored }, { inDoubt: 0, stored: run.accepted });
});

test("a link of 60 ms round trip that is cut twice loses nothing", limit, async (t) => {
  const run = await Run.start(t, bed);
  run.proxy.toServer.delay(30);
  run.proxy.toClient.delay(30);
  const publishing = run.publishFor(1_500);
  for (const kind of ["rst", "fin"] as const) {
    await pause(500);
    run.cut(kind);
  }
  await publishing;
  await run.finish(t);
});

test("a server that accepts and is slow to speak is tried again, and gets the backlog in the end", limit, async (t) => {
  let slow = 0;
  const run = await Run.start(t, bed, {
    client: { timeout: 200 },
    proxy: {
      onConnection: ({ id, toClient }) => {
        if (id === 1 || id > 4) return;
        slow += 1;
        // The second one is too late, the third nearly so.
        toClient.delay(id === 2 ? 500 : 40);
      },
    },
  });
  const publishing = run.publishFor(1_200);
  await pause(200);
  run.cut();
  await pause(600);
  run.cut("fin");
  await publishing;
  await run.finish(t);
  assert.ok(slow >= 2, `${slow} slow connections`);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { refusing, World } from "./harness.ts";

// ---- a move that the user wants ----

test("reconnect() ends the connection by FIN and goes to the next server", async () => {
  const world = new World();
  await world.connect();
  world.host.log.length = 0;
  const [old] = world.peers;
  old?.raw.onEnd(() => old.fin());
  world.session.reconnect();
  await world.pass();
  assert.equal(old?.raw.ended, "fin");
  const expected = [
    "status forceReconnect",
    "leave",
    "detach",
    "status disconnect",
    "status reconnecting",
    "info",
    "attach",
    "status reconnect",
  ];
  assert.deepEqual(world.host.log, expected);
  assert.deepEqual(world.dials, ["0 a:4222", "0 b:4222"]);
});

test("reconnect() from a server that does not answer the FIN waits for closeTimeout, then resets and goes on", async () => {
  const world = new World({ closeTimeout: 300 });
  await world.connect();
  world.session.reconnect();
  await world.pass(299);
  assert.equal(world.dials.length, 1);
  await world.pass(1);
  assert.deepEqual(world.dials, ["0 a:4222", "300 b:4222"]);
});

test("reconnect() without a connection does nothing", async () => {
  const world = new World({ servers: "a" });
  world.session.reconnect();
  await world.connect();
  world.answer = refusing;
  world.peer.fin();
  await world.pass(1000);
  world.session.reconnect();
  await world.pass(500);
  assert.equal(world.host.told.includes("forceReconnect"), false);
  assert.equal(world.dials.length, 1);
});

test("the connection is attached, and its link open, until nothing is in flight", async () => {
  const world = new World({ closeTimeout: 300 });
  await world.connect();
  let done = (): void => {};
  world.host.onLeave = (left) => {
    done = left;
  };
  world.session.reconnect();
  await world.pass(60_000);
  assert.deepEqual([world.session.connected, world.peer.raw.ended, world.dials.length], [true, null, 1]);
  assert.deepEqual(world.host.told.slice(1), ["forceReconnect"]);
  world.peer.raw.onEnd(() => world.peers[0]?.fin());
  done();
  await world.pass();
  assert.equal(world.peers[0]?.raw.ended, "fin");
  assert.deepEqual(world.dials, ["0 a:4222", "60000 b:4222"]);
});

test("messages of the server's still come while the connection is being left", async () => {
  const world = new World();
  world.host.subscriptions = "SUB a 1\r\n";
  await world.connect();
  world.peer.answer(() => {});
  world.session.reconnect();
  world.peer.send("MSG a 1 0\r\n\r\nPING\r\n");
  await world.pass();
  assert.equal(world.host.log.at(-1), "message a");
  assert.equal(world.peer.received.at(-1), "PONG");
});

test("a second reconnect() during a move means nothing", async () => {
  const world = new World();
  await world.connect();
  world.peer.answer(() => {});
  world.session.reconnect();
  world.session.reconnect();
  world.peer.send("PONG\r\n");
  await world.pass();
  world.peers[0]?.fin();
  await world.pass();
  assert.deepEqual(world.host.told, ["reconnecting", "forceReconnect", "disconnect", "reconnecting", "reconnect"]);
  assert.equal(world.host.log.filter((entry) => entry === "leave").length, 1);
  assert.equal(world.dials.length, 2);
});

test("reconnect() from inside attach() moves on when the new connection is announced", async () => {
  const world = new World();
  await world.connect();
  world.host.onAttach = () => {
    world.host.onAttach = () => {};
    world.session.reconnect();
  };
  world.peer.fin();
  await world.pass();
  world.peers[1]?.fin();
  await world.pass();
  assert.deepEqual(world.host.told.slice(1), ["disconnect", "reconnecting", "reconnect", "forceReconnect", "disconnect"]);
});

test("a move is not held against the server that was left", async () => {
  const world = new World({ servers: "a", maxReconnectAttempts: 1 });
  await world.connect();
  for (let i = 0; i < 5; i++) {
    world.host.onLeave = (done) => done();
    world.session.reconnect();
    world.peer.fin();
    await world.pass(2000);
    assert.equal(world.session.connected, true, `round ${i}`);
  }
});

for (const how of ["fin", "reset"] as const) {
  test(`a connection that ends by itself (${how}) during a move is lost as any other`, async () => {
    const world = new World();
    await world.connect();
    world.peer.answer(() => {});
    world.session.reconnect();
    await world.pass(10);
    world.host.log.length = 0;
    world.peer[how]();
    await world.pass();
    assert.deepEqual(world.host.log, [
      "detach",
      "status disconnect",
      "status reconnecting",
      "info",
      "attach",
      "status reconnect",
    ]);
  });
}

test("the heartbeat goes on during a move, and finds a server that answers nothing", async () => {
  const world = new World({ pingInterval: 1000, maxPingOut: 2 });
  await world.connect();
  world.peer.answer(() => {});
  world.session.reconnect();
  await world.pass(3000);
  assert.deepEqual(world.host.told.slice(1), [
    "forceReconnect",
    "ping",
    "ping",
    "ping",
    "staleConnection",
    "disconnect",
    "reconnecting",
    "reconnect",
  ]);
  assert.equal(world.peers[0]?.raw.ended, "rst");
});

test("a heartbeat every millisecond does not keep a move from happening", async () => {
  const world = new World({ pingInterval: 1, maxPingOut: 10 });
  await world.connect();
  const old = world.peer;
  // Each PING is answered, 5 ms late.
  old.answer((frame) => {
    if (frame.verb === "PING") world.clock.timer(5, () => old.over || old.send("PONG\r\n"));
  });
  await world.pass(3);
  old.raw.onEnd(() => old.fin());
  world.session.reconnect();
  await world.pass(20);
  assert.equal(world.session.servers.current(), "b:4222");
  assert.equal(old.raw.ended, "fin");
});

for (const [stallTimeout, moved] of [
  [0, true],
  [10_000, false],
] as const) {
  test(`without a PONG and stallTimeout ${stallTimeout}, closeTimeout ${moved ? "ends the wait by a reset" : "ends nothing"}`, async () => {
    const world = new World({ servers: "a", reconnect: false, stallTimeout, closeTimeout: 700 });
    await world.connect();
    world.host.unanswered = true;
    world.peer.answer(() => {});
    world.session.reconnect();
    await world.pass(699);
    assert.deepEqual(world.host.told.slice(1), ["forceReconnect"]);
    await world.pass(1);
    assert.deepEqual(world.host.told.slice(2), moved ? ["staleConnection", "disconnect"] : []);
    assert.equal(world.peer.raw.ended, moved ? "rst" : null);
    assert.equal(world.host.closedWith?.error?.message, moved ? "no PONG within 700 ms before a planned move" : undefined);
  });
}

test("with stallTimeout 0 a move that is done in time leaves no timer behind", async () => {
  const world = new World({ stallTimeout: 0, closeTimeout: 700 });
  await world.connect();
  world.session.reconnect();
  await world.pass();
  world.peers[0]?.fin();
  await world.pass(60_000);
  assert.equal(world.host.told.includes("staleConnection"), false);
  assert.equal(world.dials.length, 2);
  const closing = world.session.close();
  world.peer.fin();
  await world.pass();
  await closing;
  world.assertNothingLeft();
});

test("an -ERR that ends the connection during a move is why it ended", async () => {
  const world = new World({ servers: "a", reconnect: false });
  await world.connect();
  world.peer.answer(() => {});
  world.session.reconnect();
  world.peer.send("-ERR 'Maximum Payload Violation'\r\n");
  world.peer.fin();
  await world.pass();
  assert.match(world.host.closedWith?.error?.message ?? "", /Maximum Payload Violation/);
  assert.deepEqual(world.host.told.slice(1), ["forceReconnect", "error", "disconnect"]);
});

for (const stallTimeout of [0, 10_000]) {
  test(`close() during a move ends it cleanly (stallTimeout ${stallTimeout})`, async () => {
    const world = new World({ stallTimeout });
    await world.connect();
    let done = (): void => {};
    world.host.onLeave = (left) => {
      done = left;
    };
    world.session.reconnect();
    world.peer.raw.onEnd(() => world.peer.fin());
    const closing = world.session.close();
    done();
    await world.pass();
    await closing;
    assert.equal(world.peer.raw.ended, "fin");
    assert.deepEqual(world.host.log.slice(3), ["status forceReconnect", "leave", "detach", "closed"]);
    world.assertNothingLeft();
  });
}

// ---- a lame duck ----

/** How long after its INFO the lame duck is left. */
async function delayOf(seed: number): Promise<number> {
  const world = new World({}, { seed });
  await world.connect();
  world.peer.info({ ldm: true });
  await world.pass();
  const told = world.clock.now();
  while (!world.host.log.includes("leave")) await world.pass(10);
  return world.clock.now() - told;
}

test("a lame duck is left at a random moment within 5 s", async () => {
  const delays: number[] = [];
  for (let seed = 1; seed <= 40; seed++) delays.push(await delayOf(seed));
  assert.ok(Math.max(...delays) <= 5010, delays.join());
  // Of 40 moments, each half of the time has some.
  assert.ok(delays.filter((ms) => ms < 2500).length >= 8, delays.join());
  assert.ok(delays.filter((ms) => ms > 2500).length >= 8, delays.join());
});

test("a lame duck is left in the order: ldm, disconnect, reconnecting, reconnect", async () => {
  const world = new World();
  await world.connect();
  await world.pass(10_000);
  world.host.log.length = 0;
  const [old] = world.peers;
  old?.raw.onEnd(() => old.fin());
  old?.info({ ldm: true });
  await world.pass(5000);
  assert.deepEqual(world.host.log, [
    "info",
    "status ldm",
    "leave",
    "detach",
    "status disconnect",
    "status reconnecting",
    "info",
    "attach",
    "status reconnect",
  ]);
  assert.equal(old?.raw.ended, "fin");
  assert.equal(world.session.servers.current(), "b:4222");
});

test("a lame duck that nobody could follow is not left", async () => {
  const world = new World({ servers: "a" });
  await world.connect();
  world.peer.info({ ldm: true });
  await world.pass(60_000);
  assert.deepEqual([world.session.connected, world.dials.length], [true, 1]);
  assert.deepEqual(world.host.told, ["reconnecting", "ldm"]);
});

test("a server that the cluster told of is not another one when the lame duck names nobody", async () => {
  // One server under two names: the user's, and its address.
  const world = new World({ servers: "a" }, { script: (peer) => peer.serve({ connect_urls: ["10.0.0.1:4222"] }) });
  await world.connect();
  world.peer.info({ ldm: true });
  await world.pass(60_000);
  assert.equal(world.dials.length, 1);
});

test("a lame duck is left for a server that its own INFO names", async () => {
  const world = new World({ servers: "a" });
  await world.connect();
  world.peer.info({ ldm: true, connect_urls: ["10.0.0.2:4222"] });
  await world.pass(5000);
  world.peer.fin();
  await world.pass();
  assert.match(world.dials[1] ?? "", /10\.0\.0\.2:4222$/);
});

for (const [what, change] of [
  ["a server that the user adds", (world: World) => world.session.servers.replace(["a", "c"])],
  ["a server that a later INFO names", (world: World) => world.peer.info({ ldm: true, connect_urls: ["c:4222"] })],
] as const) {
  test(`a lame duck is left for ${what}`, async () => {
    const world = new World({ servers: "a" });
    await world.connect();
    world.peer.info({ ldm: true });
    await world.pass(20_000);
    change(world);
    await world.pass(5000);
    assert.equal(world.host.log.includes("leave"), true);
    world.peers[0]?.fin();
    await world.pass();
    assert.match(world.dials[1] ?? "", / c:4222$/);
  });
}

test("a lame duck whose only follower is taken from the pool before the moment comes is not left", async () => {
  const world = new World();
  await world.connect();
  world.peer.info({ ldm: true });
  await world.pass();
  world.session.servers.replace(["a"]);
  await world.pass(60_000);
  assert.deepEqual([world.session.connected, world.dials.length], [true, 1]);
});

test("a server that is a lame duck when the connection comes up is left too", async () => {
  const world = new World();
  world.script = (peer) => peer.serve({ ldm: true });
  await world.connect();
  world.script = (peer) => peer.serve();
  await world.pass(5000);
  assert.equal(world.host.log.includes("leave"), true);
  world.peers[0]?.fin();
  await world.pass();
  assert.equal(world.session.servers.current(), "b:4222");
  await world.pass(60_000);
  assert.equal(world.dials.length, 2);
});

test("a lame duck that says it often is left once, and reconnect() before the moment comes takes its place", async () => {
  for (const forced of [false, true]) {
    const world = new World({ servers: ["a", "b", "c"] });
    await world.connect();
    for (let i = 0; i < 5; i++) world.peer.info({ ldm: true });
    await world.pass();
    assert.equal(world.clock.pending.timers, 2, "the heartbeat's and one more");
    if (forced) world.session.reconnect();
    await world.pass(5000);
    world.peers[0]?.fin();
    await world.pass(60_000);
    assert.equal(world.dials.length, 2);
    assert.equal(world.host.told.includes("forceReconnect"), forced);
  }
});

test("a lame duck comes after every other server, also when those refuse", async () => {
  const world = new World({ servers: ["a", "b", "c"], reconnectTimeWait: 2000 });
  world.answer = ({ hostname }) => (hostname === "a" ? { kind: "accept" } : { kind: "refuse" });
  await world.connect();
  await world.pass(60_000);
  world.peer.info({ ldm: true });
  while (world.session.connected) await world.pass(10);
  const left = world.clock.now();
  world.peer.fin();
  await world.pass(1000);
  assert.deepEqual(world.dials.slice(1), [`${left} b:4222`, `${left} c:4222`]);
  await world.pass(1000);
  assert.equal(world.session.servers.current(), "a:4222");
});

test("a lame duck that left the pool and came back under its name is not where the move leads", async () => {
  const world = new World({ servers: "a" });
  await world.connect();
  world.session.servers.replace(["b"]);
  world.session.servers.replace(["a", "b"]);
  world.peer.info({ ldm: true });
  await world.pass(5000);
  world.peer.fin();
  await world.pass();
  assert.match(world.dials[1] ?? "", / b:4222$/);
});

test("reconnectToServer is asked where to go from a lame duck, with another server first, and its answer counts", async () => {
  const asked: string[] = [];
  const world = new World({
    servers: ["a", "b", "c"],
    reconnectToServer: (pool) => {
      asked.push(pool.map(({ hostname }) => hostname).join(""));
      return asked.length === 1 ? null : (pool.find(({ hostname }) => hostname === "c") ?? null);
    },
  });
  await world.connect();
  world.peer.info({ ldm: true });
  await world.pass(5000);
  world.peer.fin();
  await world.pass();
  assert.deepEqual(asked, ["abc", "bac"]);
  assert.equal(world.session.servers.current(), "c:4222");
});

test("a lame duck that ends the connection during the move is not held against", async () => {
  const world = new World({ maxReconnectAttempts: 1 });
  await world.connect();
  world.peer.answer(() => {});
  world.peer.info({ ldm: true });
  while (!world.host.log.includes("leave")) await world.pass(10);
  world.peer.fin();
  await world.pass();
  assert.equal(world.session.servers.current(), "b:4222");
  assert.deepEqual(
    world.session.servers.list().map(({ hostname, reconnects }) => [hostname, reconnects]),
    [
      ["a", 0],
      ["b", 0],
    ],
  );
});

test("without reconnect a lame duck is not left", async () => {
  const world = new World({ reconnect: false });
  await world.connect();
  world.peer.info({ ldm: true });
  await world.pass(60_000);
  assert.equal(world.session.connected, true);
});

for (const [what, end] of [
  ["close()", (world: World) => void world.session.close()],
  ["the end of the connection", (world: World) => world.peer.fin()],
] as const) {
  test(`the wait before a lame duck is left keeps no process alive and ends with ${what}`, async () => {
    const world = new World({ servers: ["a", "b"] });
    await world.connect();
    const before = world.clock.pending;
    world.peer.info({ ldm: true });
    await world.pass();
    assert.deepEqual([before.timers, world.clock.pending.timers, world.clock.pending.keptAlive], [1, 2, 0]);
    world.answer = refusing;
    end(world);
    world.peer.fin();
    await world.pass();
    // What is left is the wait for the next dial, if any.
    assert.equal(world.clock.pending.timers, what === "close()" ? 0 : 1);
    await world.session.close();
    world.assertNothingLeft();
    assert.equal(world.host.log.includes("leave"), false);
  });
}

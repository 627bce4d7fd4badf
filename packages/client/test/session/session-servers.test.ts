import assert from "node:assert/strict";
import { test } from "node:test";
import { ClosedConnectionError, ConnectionError } from "@nats-io/nats-core";
import { refusing, rejection, World } from "./harness.ts";

// ---- reconnectToServer ----

test("reconnectToServer sees the pool with the server whose turn it is first, and the last INFO", async () => {
  const seen: unknown[] = [];
  const world = new World({
    servers: ["a", "b", "c"],
    reconnectToServer: (pool, info) => {
      seen.push([pool.map((server) => server.hostname).join(""), info?.server_id]);
      return null;
    },
  });
  await world.connect();
  world.peer.fin();
  await world.pass();
  assert.deepEqual(seen, [
    ["abc", undefined],
    ["bac", "S"],
  ]);
});

test("reconnectToServer chooses the server, at once or after a delay", async () => {
  let delay = 0;
  const world = new World({
    servers: ["a", "b", "c"],
    reconnectToServer: (pool) => {
      const server = pool.find(({ hostname }) => hostname === "c");
      assert.ok(server !== undefined);
      return delay === 0 ? server : { server, delay };
    },
  });
  await world.connect();
  delay = 700;
  world.peer.fin();
  await world.pass(1000);
  assert.deepEqual(world.dials, ["0 c:4222", "700 c:4222"]);
});

test("a handler that always chooses a server that is down is not asked in a loop", async () => {
  const world = new World({ reconnectToServer: (pool) => pool.find(({ hostname }) => hostname === "b") ?? null });
  await world.connect();
  world.answer = refusing;
  world.peer.fin();
  await world.pass(6000);
  assert.ok(world.dials.length <= 9, world.dials.join());
});

for (const [what, handler, cause] of [
  [
    "throws",
    () => {
      throw new Error("confused");
    },
    "confused",
  ],
  ["chooses a server that is not in the pool", () => JSON.parse('{"listen":"x:1"}'), "returned server is not in the pool"],
] as const) {
  test(`a reconnectToServer that ${what} makes connect() reject, as in nats.js`, async () => {
    const world = new World({ reconnectToServer: handler });
    const error = await rejection(world.session.connect());
    assert.ok(error instanceof ConnectionError);
    assert.equal(error.message, `client option reconnectToServer handler failed: ${cause}`);
    assert.equal(world.host.closedWith?.error, error);
    world.assertNothingLeft();
  });
}

test("a handler may close the client", async () => {
  const world: World = new World({
    reconnectToServer: () => {
      void world.session.close();
      return null;
    },
  });
  assert.ok((await rejection(world.session.connect())) instanceof ClosedConnectionError);
  assert.deepEqual([world.dials, world.host.log], [[], ["closed"]]);
});

// ---- the pool in use ----

test("servers of the cluster are announced, added and dialled", async () => {
  const world = new World({ servers: "a" }, { script: (peer) => peer.serve({ connect_urls: ["10.0.0.2:4222", "a:4222"] }) });
  await world.connect();
  assert.deepEqual(world.host.statuses[1], { type: "update", added: ["10.0.0.2:4222"], deleted: [] });
  world.peer.fin();
  await world.pass();
  assert.equal(world.dials.at(-1), "0 10.0.0.2:4222");
  assert.equal(world.host.told.filter((type) => type === "update").length, 1);
});

test("a later INFO updates pool and info, and a lame duck is announced", async () => {
  const world = new World({ servers: "a" });
  await world.connect();
  world.peer.info({ connect_urls: ["b:1"], ldm: true, max_payload: 7 });
  await world.pass();
  assert.equal(world.session.info?.max_payload, 7);
  assert.equal(world.host.infos.at(-1)?.max_payload, 7);
  assert.deepEqual(world.host.statuses.slice(1), [
    { type: "update", added: ["b:1"], deleted: [] },
    { type: "ldm", server: "a:4222" },
  ]);
});

test("with ignoreClusterUpdates the pool stays the user's", async () => {
  const script = (peer: World["peer"]): void => peer.serve({ connect_urls: ["b:1"] });
  const world = new World({ servers: "a", ignoreClusterUpdates: true }, { script });
  await world.connect();
  assert.equal(world.session.servers.list().length, 1);
  assert.deepEqual(world.host.told, ["reconnecting"]);
});

test("an address of the cluster is checked against the name that was dialled under TLS", async () => {
  const names: string[] = [];
  const world = new World(
    { servers: "nats.example" },
    {
      resolve: () => ["10.0.0.1"],
      secured: (_options, tlsName) => {
        names.push(tlsName);
        return null;
      },
      script: (peer) => peer.serve({ tls_required: true, connect_urls: ["10.0.0.2:4222"] }),
    },
  );
  await world.connect();
  world.peer.fin();
  await world.pass();
  assert.deepEqual(names, ["nats.example", "nats.example"]);
  assert.deepEqual(world.dials, ["0 10.0.0.1:4222", "0 10.0.0.2:4222"]);
});

test("an address that the user gave is checked against itself", async () => {
  const names: string[] = [];
  const secured = (_options: unknown, tlsName: string): null => {
    names.push(tlsName);
    return null;
  };
  await new World({ servers: "10.0.0.1" }, { secured, script: (peer) => peer.serve({ tls_required: true }) }).connect();
  assert.deepEqual(names, [""]);
});

test("servers that replace the pool while it waits are dialled without waiting", async () => {
  const world = new World({ servers: "a" });
  await world.connect();
  world.answer = ({ hostname }) => (hostname === "a" ? { kind: "refuse" } : { kind: "accept" });
  world.peer.fin();
  await world.pass(2500);
  world.session.servers.replace(["c"]);
  await world.pass();
  assert.deepEqual(world.dials.slice(-2), ["2000 a:4222", "2500 c:4222"]);
  assert.equal(world.session.connected, true);
});

test("replacing the pool does not touch the connection", async () => {
  const world = new World({ servers: "a" });
  await world.connect();
  world.session.servers.replace(["c"]);
  await world.pass(10_000);
  assert.deepEqual([world.session.connected, world.dials.length], [true, 1]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError } from "@nats-io/nats-core";
import fc from "fast-check";
import { type PoolServer, ServerPool, shuffle } from "../../src/session/pool.ts";
import { seededRandom } from "../../src/testing/seeded-random.ts";

function poolOf(...servers: string[]): ServerPool {
  return new ServerPool(servers, { randomize: false, random: () => 0 });
}

/** Lets the pool choose at `now`, and dials what it chose. */
function dialNext(pool: ServerPool, now: number, waitMs: number): PoolServer {
  const candidate = pool.next(now, waitMs, "all");
  assert.ok(candidate !== undefined && candidate.delayMs === 0);
  pool.dialled(candidate.server, now, now);
  return candidate.server;
}

function listens(pool: ServerPool): string[] {
  return pool.snapshot().map((server) => server.listen);
}

function find(pool: ServerPool, listen: string): PoolServer {
  const server = pool.find(listen);
  assert.ok(server !== undefined);
  return server;
}

test("servers have their turn in the order given, the one dialled last comes last", () => {
  const pool = poolOf("a", "b", "c");
  const turns = [0, 1, 2, 3, 4].map((now) => dialNext(pool, now, 0).hostname);
  assert.deepEqual(turns, ["a", "b", "c", "a", "b"]);
});

test("the order that users see does not change with the turns", () => {
  const pool = poolOf("a", "b", "c");
  for (let now = 0; now < 5; now++) dialNext(pool, now, 0);
  assert.deepEqual(listens(pool), ["a:4222", "b:4222", "c:4222"]);
});

test("a server is left alone for the waiting time after its last dial, and another that is due goes before it", () => {
  const pool = poolOf("a", "b");
  dialNext(pool, 0, 100);
  dialNext(pool, 60, 100);
  assert.deepEqual([pool.next(70, 100, "all")?.server.hostname, pool.next(70, 100, "all")?.delayMs], ["a", 30]);
  assert.equal(dialNext(pool, 100, 100).hostname, "a");
  assert.equal(dialNext(pool, 160, 100).hostname, "b");
});

test("a server that was passed over in favour of another waits as if it had been dialled", () => {
  const pool = poolOf("a", "b");
  pool.passed(find(pool, "a:4222"), 0);
  pool.dialled(find(pool, "b:4222"), 0, 0);
  assert.equal(pool.next(10, 100, "all")?.delayMs, 90);
  assert.equal(find(pool, "a:4222").lastConnect, 0);
});

test("the first round gives each server one turn, at once", () => {
  const pool = poolOf("a", "b");
  const turns = [1, 2, 3].map(() => pool.next(0, 1_000_000, "untried")?.server.hostname);
  assert.deepEqual(turns, ["a", "b", undefined]);
});

test("a server leaves the pool when its failed attempts reach the maximum", () => {
  const pool = poolOf("a", "b");
  const a = find(pool, "a:4222");
  pool.failed(a, 2);
  assert.deepEqual(listens(pool), ["a:4222", "b:4222"]);
  pool.failed(a, 2);
  assert.deepEqual(listens(pool), ["b:4222"]);
});

for (const max of [0, 1]) {
  test(`with maxReconnectAttempts ${max} the first failure removes a server, as in nats.js`, () => {
    const pool = poolOf("a");
    pool.failed(find(pool, "a:4222"), max);
    assert.equal(pool.size, 0);
    assert.equal(pool.next(0, 0, "all"), undefined);
  });
}

test("the first connection of all was no attempt to reconnect: if it proves bad, that is no failed one", () => {
  const pool = poolOf("a");
  const a = find(pool, "a:4222");
  pool.connected(a);
  pool.failed(a, 1);
  assert.equal(pool.size, 1);
  pool.connected(a);
  pool.failed(a, 1);
  assert.equal(pool.size, 0);
});

test("with -1 no number of failures removes a server", () => {
  const pool = poolOf("a");
  for (let i = 0; i < 1000; i++) pool.failed(find(pool, "a:4222"), -1);
  assert.equal(pool.size, 1);
});

test("failed attempts of connections that proved bad count together; a good one clears them", () => {
  const pool = poolOf("a");
  const a = find(pool, "a:4222");
  pool.failed(a, 3);
  pool.connected(a);
  assert.deepEqual([a.didConnect, pool.snapshot()[0]?.reconnects], [true, 0]);
  pool.failed(a, 3);
  assert.equal(pool.size, 1);
  pool.proven(a);
  pool.failed(a, 3);
  pool.failed(a, 3);
  assert.equal(pool.size, 1);
  pool.failed(a, 3);
  assert.equal(pool.size, 0);
});

test("when the server dialled last is removed, the turn goes to the one behind it", () => {
  const pool = poolOf("a", "b", "c");
  dialNext(pool, 0, 0);
  const b = dialNext(pool, 0, 0);
  pool.failed(b, 1);
  assert.equal(dialNext(pool, 0, 0).hostname, "c");
});

test("servers that the cluster names are added, those it names no more are removed", () => {
  const pool = poolOf("a");
  assert.deepEqual(pool.update(["b:1", "c:2"]), { added: ["b:1", "c:2"], deleted: [] });
  assert.deepEqual(pool.update(["c:2", "d:3"]), { added: ["d:3"], deleted: ["b:1"] });
  assert.deepEqual(listens(pool), ["a:4222", "c:2", "d:3"]);
  assert.deepEqual(
    pool.snapshot().map((server) => server.gossiped),
    [false, true, true],
  );
});

test("an unchanged list changes nothing", () => {
  const pool = poolOf("a");
  pool.update(["a:4222", "b:1"]);
  assert.deepEqual(pool.update(["b:1", "a:4222"]), { added: [], deleted: [] });
});

test("neither a server the user gave nor the one in use is removed by the cluster", () => {
  const pool = poolOf("a");
  pool.update(["b:1", "c:2"]);
  pool.dialled(find(pool, "b:1"), 0, 0);
  assert.deepEqual(pool.update(["d:3"]), { added: ["d:3"], deleted: ["c:2"] });
  assert.deepEqual(listens(pool), ["a:4222", "b:1", "d:3"]);
});

test("an empty list from the cluster says nothing", () => {
  const pool = poolOf("a");
  pool.update(["b:1"]);
  assert.deepEqual(pool.update([]), { added: [], deleted: [] });
  assert.deepEqual(listens(pool), ["a:4222", "b:1"]);
});

test("entries of the cluster that cannot be read are passed over", () => {
  const pool = poolOf("a");
  assert.deepEqual(pool.update(["b:99999", "", "c:2"]), { added: ["c:2"], deleted: [] });
});

test("addresses that the cluster names are checked against the name of the server reached under TLS", () => {
  const pool = poolOf("first.example", "10.0.0.1");
  pool.update(["10.0.0.2:4222", "other.example:4222"]);
  pool.learnTlsName(find(pool, "first.example:4222"));
  pool.update(["10.0.0.2:4222", "other.example:4222", "10.0.0.3:4222"]);
  const names = Object.fromEntries(pool.snapshot().map((server) => [server.hostname, server.tlsName]));
  assert.equal(names["10.0.0.1"], "");
  assert.equal(names["10.0.0.2"], "first.example");
  assert.equal(names["10.0.0.3"], "first.example");
});

test("a server that was reached by its address has no name to check others against", () => {
  const pool = poolOf("10.0.0.1");
  pool.update(["10.0.0.2:4222"]);
  pool.learnTlsName(find(pool, "10.0.0.1:4222"));
  assert.equal(pool.snapshot()[1]?.tlsName, "");
});

test("replacing keeps what is known of servers that stay, and makes them the user's", () => {
  const pool = poolOf("a", "b");
  pool.update(["c:1"]);
  const c = find(pool, "c:1");
  pool.dialled(c, 5, 1000);
  pool.replace(["c:1", "d"]);
  assert.deepEqual(listens(pool), ["c:1", "d:4222"]);
  assert.equal(find(pool, "c:1"), c);
  assert.deepEqual([c.gossiped, c.lastConnect], [false, 1000]);
  pool.update(["e:1"]);
  assert.deepEqual(listens(pool), ["c:1", "d:4222", "e:1"]);
});

test("replacing by nothing or by nonsense throws and leaves the pool as it was", () => {
  const pool = poolOf("a");
  assert.throws(() => pool.replace([]), new InvalidArgumentError("'servers' cannot be empty"));
  assert.throws(() => pool.replace(["b", "no port:x"]), InvalidArgumentError);
  assert.deepEqual(listens(pool), ["a:4222"]);
});

test("a failure of a server that is no longer in the pool removes no other", () => {
  const pool = poolOf("a", "b");
  const a = find(pool, "a:4222");
  pool.replace(["b"]);
  pool.failed(a, 1);
  assert.deepEqual(listens(pool), ["b:4222"]);
});

test("a snapshot is frozen, and has the named server first if asked", () => {
  const pool = poolOf("a", "b", "c");
  const snapshot = pool.snapshot(find(pool, "b:4222"));
  assert.deepEqual(
    snapshot.map((server) => server.hostname),
    ["b", "a", "c"],
  );
  assert.ok(snapshot.every(Object.isFrozen));
  assert.deepEqual(Object.keys(snapshot[0] ?? {}).sort(), [
    "didConnect",
    "gossiped",
    "hostname",
    "lastConnect",
    "listen",
    "port",
    "reconnects",
    "src",
    "tlsName",
  ]);
});

test("a snapshot shows no credentials", () => {
  const pool = poolOf("nats://user:secret@a:4222");
  assert.ok(!JSON.stringify(pool.snapshot()).includes("secret"));
  assert.equal(pool.snapshot()[0]?.src, "nats://a:4222");
});

test("credentials of a URL go with its server, and with the servers it tells of", () => {
  const pool = poolOf("nats://user:secret@a:4222", "b:4222");
  const a = dialNext(pool, 0, 0);
  assert.deepEqual(a.credentials, { user: "user", pass: "secret" });
  pool.update(["c:1"]);
  assert.deepEqual(pool.find("c:1")?.credentials, { user: "user", pass: "secret" });
  assert.equal(pool.find("b:4222")?.credentials, undefined);
});

test("a server that stays keeps its credentials until it is named with others", () => {
  const pool = poolOf("nats://user:secret@a:4222");
  pool.replace(["a:4222", "b:1"]);
  assert.deepEqual(pool.find("a:4222")?.credentials, { user: "user", pass: "secret" });
  pool.replace(["nats://token@a:4222", "a:4222"]);
  assert.deepEqual(pool.find("a:4222")?.credentials, { auth_token: "token" });
  assert.equal(pool.size, 1);
});

test("with randomize the order is shuffled by the seed, and new servers of the cluster come in at random behind the one in use", () => {
  const orders = new Set<string>();
  for (let seed = 1; seed <= 50; seed++) {
    const pool = new ServerPool(["a", "b", "c"], { randomize: true, random: seededRandom(seed) });
    const used = dialNext(pool, 0, 0);
    pool.update(["d:1"]);
    assert.equal(listens(pool)[0], used.listen);
    orders.add(listens(pool).join());
  }
  assert.ok(orders.size > 10, `${orders.size} orders`);
});

test("a shuffle keeps every item", () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer(), (items, seed) => {
      const shuffled = [...items];
      shuffle(shuffled, seededRandom(seed));
      assert.deepEqual([...shuffled].sort(), [...items].sort());
    }),
  );
});

test("whatever happens, the pool chooses only its own servers, none of them too early, and has none twice", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), fc.integer(), (steps, randomize, seed) => {
      const pool = new ServerPool(["a", "b"], { randomize, random: seededRandom(seed) });
      const lastDial = new Map<string, number>();
      let now = 0;
      for (const { what, after } of steps) {
        if (what === "gossip") pool.update(names(after));
        if (what === "replace") pool.replace(names(after));
        if (what === "fail" && pool.current !== undefined) pool.failed(pool.current, 3);
        if (what !== "dial") continue;
        now += after;
        const candidate = pool.next(now, 20, "all");
        if (candidate === undefined) {
          assert.equal(pool.size, 0);
          continue;
        }
        now += candidate.delayMs;
        const { listen } = candidate.server;
        assert.ok(listens(pool).includes(listen));
        const last = lastDial.get(listen);
        // A server that left the pool and came back is a new one.
        if (last !== undefined && candidate.server.lastTurn !== undefined) {
          assert.ok(now - last >= 20, `${listen} again after ${now - last} ms`);
        }
        pool.dialled(candidate.server, now, now);
        lastDial.set(listen, now);
        assert.equal(new Set(listens(pool)).size, pool.size);
      }
    }),
  );
});

test("whatever happened before, the turn after a server's turn is over is another's, if there is another", () => {
  const times = fc.record({ wait: fc.nat(100), rest: fc.nat(200) });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      times,
      fc.boolean(),
      fc.integer(),
      (steps, { wait, rest }, randomize, seed) => {
        const pool = new ServerPool(["a"], { randomize, random: seededRandom(seed) });
        let now = 0;
        for (const { what, after } of steps) {
          if (what === "gossip") pool.update(names(after));
          if (what === "replace") pool.replace(names(after));
          if (what === "fail" && pool.current !== undefined) pool.failed(pool.current, 3);
          if (what !== "dial") continue;
          now += after;
          const candidate = pool.next(now, 20, "all");
          if (candidate === undefined) continue;
          now += candidate.delayMs;
          pool.dialled(candidate.server, now, now);
        }
        const left = pool.current;
        if (left === undefined) return;
        now += rest;
        pool.turnOver(left, now);
        const due = pool.next(now + rest, wait, "all")?.server.listen;
        assert.equal(due === left.listen, listens(pool).every((listen) => listen === left.listen) && pool.size > 0);
      },
    ),
  );
});

test("a server that left the pool in use and came back under its name had its turn too", () => {
  const pool = poolOf("a");
  const a = find(pool, "a:4222");
  pool.dialled(a, 0, 0);
  pool.replace(["b"]);
  pool.replace(["a", "b"]);
  pool.turnOver(a, 1000);
  assert.equal(pool.next(1000, 100, "all")?.server.listen, "b:4222");
});

test("another server is one of another address; one that only the cluster told of counts while the cluster names anybody", () => {
  const pool = poolOf("a");
  const a = find(pool, "a:4222");
  assert.equal(pool.hasOther(a, ["x:1"]), false);
  pool.update(["x:1"]);
  assert.deepEqual([pool.hasOther(a, ["x:1"]), pool.hasOther(a, [])], [true, false]);
  pool.replace(["b"]);
  assert.deepEqual([pool.hasOther(a, []), pool.hasOther(find(pool, "b:4222"), [])], [true, false]);
  pool.replace(["a"]);
  assert.equal(pool.hasOther(a, []), false);
});

/** What can happen to a pool; `after` is a time or the bits of `names()`. */
const step = fc.oneof(
  fc.record({ what: fc.constant("dial" as const), after: fc.integer({ min: 0, max: 50 }) }),
  fc.record({ what: fc.constant("fail" as const), after: fc.constant(0) }),
  fc.record({ what: fc.constant("gossip" as const), after: fc.integer({ min: 0, max: 7 }) }),
  fc.record({ what: fc.constant("replace" as const), after: fc.integer({ min: 1, max: 7 }) }),
);

/** Some of six names, one for each bit. */
function names(bits: number): string[] {
  return ["a:4222", "x:1", "y:2"].filter((_, bit) => (bits & (1 << bit)) !== 0);
}

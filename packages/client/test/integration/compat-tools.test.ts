import assert from "node:assert/strict";
import { test } from "node:test";
import { Bench, type BenchOpts, Metric, Nuid, syncIterator } from "../../src/index.ts";
import { Both, limit } from "./compat-both.ts";

/** What nats-core exports beside the client: it must work with a connection of Holdfast's as with one of nats.js'. */
const both = new Both();

const published = [
  ["pubsub", 40, 5, 200, true],
  ["pub", 20, 5, 100, true],
  ["sub", 20, 5, 100, true],
];

test("Bench measures a connection, as in nats.js", limit, () =>
  both.agree(
    async (client) => {
      const seen: unknown[] = [];
      const roles = [
        { callbacks: true, pub: true, sub: true },
        { callbacks: false, pub: true, sub: true },
        { callbacks: true, req: true, rep: true },
        { callbacks: false, req: true, rep: true, asyncRequests: true },
      ];
      for (const options of roles) {
        const nc = await client.open();
        const metrics = await new Bench(nc, { msgs: 20, size: 5, subject: "bench", ...options }).run();
        seen.push(metrics.map(({ name, msgs, payload, bytes, duration }) => [name, msgs, payload, bytes, duration > 0]));
      }
      return seen;
    },
    [
      published,
      published,
      // Without asyncRequests the requests have no payload. Each is counted on its way out and in, as is its answer.
      [
        ["reqrep", 40, 5, 200, true],
        ["rep", 20, 5, 200, true],
        ["req", 20, 5, 200, true],
      ],
      [
        ["reqrep", 40, 5, 400, true],
        ["rep", 20, 5, 400, true],
        ["req", 20, 5, 400, true],
      ],
    ],
  ),
);

test("a Bench shows what it was made of, and its metrics who was measured", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      const options: BenchOpts = { msgs: 3, size: 2, subject: "bench", pub: true, sub: true };
      const bench = new Bench(nc, options);
      const parts = [bench.nc === nc, bench.callbacks, bench.msgs, bench.size, bench.subject, bench.payload.length];
      const roles = [bench.asyncRequests, bench.pub, bench.sub, bench.req, bench.rep];
      await bench.runCallbacks();
      await new Bench(nc, { ...options, req: false }).runAsync();
      const [metric] = bench.processMetrics();
      assert.ok(metric);
      const names = bench.perf
        .getEntries()
        .map(({ name }) => name)
        .toSorted();
      const who = [
        typeof metric.lang,
        /^\d+\.\d+\.\d+/.test(metric.version),
        metric.lang === (client.side === "holdfast" ? "holdfast" : "nats.js"),
      ];
      return [parts, roles, names, who];
    },
    [
      [true, false, 3, 2, "bench", 2],
      [false, true, true, false, false],
      ["pub", "pubsub", "sub"],
      ["string", true, true],
    ],
  ),
);

test("a Metric is a line for people and a line of CSV", () => {
  const metric = new Metric("pub", 500);
  Object.assign(metric, {
    msgs: 1000,
    payload: 10,
    bytes: 10_000,
    lang: "holdfast",
    version: "1.0.0",
    asyncRequests: true,
    min: 1,
    max: 2,
  });
  const { name, duration, date, msgs, payload, bytes, lang, version, asyncRequests, min, max } = metric;
  const read = [name, duration, msgs, payload, bytes, lang, version, asyncRequests, min, max];
  assert.deepEqual(read, ["pub", 500, 1000, 10, 10_000, "holdfast", "1.0.0", true, 1, 2]);
  assert.match(metric.toString(), /^pub \[asyncRequests\] 2,000 msgs\/sec - \[0\.50 secs\] ~ .* 1\/2$/);
  assert.equal(metric.toCsv(), `"pub",${new Date(date).toISOString()},holdfast,1.0.0,1000,10,10000,500,true\n`);
  assert.equal(Metric.header(), "Test,Date,Lang,Version,Count,MsgPayload,Bytes,Millis,Async\n");
});

test("a Nuid makes ids of 22 characters, none twice, also after reset()", () => {
  const source = new Nuid();
  const ids = [source.next(), source.next()];
  source.reset();
  ids.push(source.next());
  assert.equal(new Set(ids).size, 3);
  for (const id of ids) assert.match(id, /^[0-9A-Za-z]{22}$/);
});

test("as in nats.js: syncIterator() takes messages one by one, and null at the end", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const messages = syncIterator(nc.subscribe("one", { max: 2 }));
      await nc.flush();
      for (const n of [1, 2]) peer.publish("one", String(n));
      return [(await messages.next())?.string(), (await messages.next())?.string(), await messages.next()];
    },
    ["1", "2", null],
  ),
);

/** The official services on a Holdfast connection, through outages. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Service, type ServiceMsg, Svcm } from "@nats-io/services";
import type { HoldfastOptions } from "../../src/index.ts";
import { type Outage, openModuleLine, through } from "./modules-harness.ts";
import { limit, numbers, open, statusOf, until } from "./peers-harness.ts";

const config = { name: "echo", version: "1.0.0" } as const;
const quick = { strategy: "stall", maxWait: 10_000, stall: 400 } as const;

test("a service answers and is discovered again after its link was cut, with the same id and its counts", limit, (t) =>
  serveThrough(t, "rst", {}),
);

test("a service answers and is discovered again after a restart of the server, with the same id and its counts", limit, (t) =>
  serveThrough(t, "restart", {}),
);

test("a service answers and is discovered again after its link was cut, at-least-once", limit, (t) =>
  serveThrough(t, "rst", { delivery: "at-least-once" }),
);

async function serveThrough(t: TestContext, outage: Outage, client: HoldfastOptions): Promise<void> {
  const modules = await openModuleLine(t, client);
  if (modules === undefined) return;
  const { line, second } = modules;
  const service = await new Svcm(line.nc).add(config);
  service.addEndpoint("echo", (_error, msg) => void msg.respond(msg.data));
  const iterator = service.addGroup("group").addEndpoint("iterated");
  const reading = (async () => {
    for await (const msg of iterator) msg.respond(msg.data);
  })();
  await line.nc.flush();
  const ask = async (): Promise<void> => {
    for (const number of numbers(1, 5)) {
      assert.equal((await second.request("echo", number, { timeout: 20_000 })).string(), number);
      assert.equal((await second.request("group.iterated", number, { timeout: 20_000 })).string(), number);
    }
  };
  await ask();
  await through(outage, modules, async () => {});
  await ask();
  const found = await new Svcm(second).client(quick).stats("echo");
  const seen = [];
  for await (const { id, endpoints = [] } of found) {
    seen.push({ id, counts: endpoints.map(({ name, num_requests, num_errors }) => [name, num_requests, num_errors]) });
  }
  const counts = [
    ["echo", 10, 0],
    ["iterated", 10, 0],
  ];
  assert.deepEqual(seen, [{ id: service.info().id, counts }]);
  assert.equal(service.isStopped, false);
  iterator.stop();
  await reading;
  assert.equal(await service.stopped, null);
}

test("an endpoint's answer given while the link is cut reaches who asked after the reconnect, once", limit, (t) =>
  answerWhileDown(t, {}),
);

test("an endpoint's answer given while the link is cut reaches who asked after the reconnect, once, at-least-once", limit, (t) =>
  answerWhileDown(t, { delivery: "at-least-once" }),
);

async function answerWhileDown(t: TestContext, client: HoldfastOptions): Promise<void> {
  const modules = await openModuleLine(t, client);
  if (modules === undefined) return;
  const { line, second } = modules;
  const arrived: ServiceMsg[] = [];
  await addSlow(new Svcm(line.nc), arrived);
  await line.nc.flush();
  const answers: string[] = [];
  second.subscribe("answers", { callback: (_error, msg) => void answers.push(msg.string()) });
  for (const number of numbers(1, 20)) second.publish("slow", number, { reply: "answers" });
  await until("all are at the endpoint", () => arrived.length === 20);
  await through("rst", modules, async () => {
    for (const msg of arrived) assert.equal(msg.respond(`answer ${msg.string()}`), true);
    assert.equal(line.nc.outbound.counts().buffered, 20);
  });
  await line.nc.flush();
  await second.flush();
  assert.deepEqual(
    answers,
    numbers(1, 20).map((number) => `answer ${number}`),
  );
}

test("a services client asks for services while the link is cut, and has them after the reconnect", limit, async (t) => {
  const modules = await openModuleLine(t);
  if (modules === undefined) return;
  const { line, second } = modules;
  const ids: string[] = [];
  for (const nc of [second, second]) ids.push((await new Svcm(nc).add(config)).info().id);
  await second.flush();
  const client = new Svcm(line.nc).client({ strategy: "count", maxMessages: 2, maxWait: 30_000 });
  const found: string[][] = [];
  const collect = async (answers: Promise<AsyncIterable<{ readonly id: string }>>): Promise<void> => {
    const list: string[] = [];
    for await (const { id } of await answers) list.push(id);
    found.push(list.sort());
  };
  let collecting: Promise<void>[] = [];
  await through("rst", modules, async () => {
    collecting = [collect(client.ping()), collect(client.info("echo")), collect(client.stats("echo"))];
  });
  await Promise.all(collecting);
  assert.deepEqual(found, [ids.sort(), ids, ids]);
});

test("a service stopped while the link is cut is gone after the reconnect", limit, async (t) => {
  const modules = await openModuleLine(t);
  if (modules === undefined) return;
  const { line, second } = modules;
  const services = new Svcm(line.nc);
  const stopped = await addSlow(services, []);
  const staying = await services.add({ name: "staying", version: "1.0.0" });
  await line.nc.flush();
  let stopping: Promise<unknown> = Promise.resolve();
  await through("rst", modules, async () => {
    stopping = stopped.stop();
  });
  assert.equal(await stopping, null);
  await line.nc.flush();
  await assert.rejects(second.request("slow", "", { timeout: 20_000 }), /no responders/i);
  const ids: string[] = [];
  for await (const { id } of await new Svcm(second).client(quick).ping()) ids.push(id);
  assert.deepEqual(ids, [staying.info().id]);
});

test(
  "an instance of a queue group that is cut off leaves the requests to the other, and has its share again afterwards",
  limit,
  async (t) => {
    const modules = await openModuleLine(t);
    if (modules === undefined) return;
    const { line, second } = modules;
    const direct = await open(t, { servers: line.server.url });
    for (const [name, nc] of [
      ["cut", line.nc],
      ["direct", direct],
    ] as const) {
      const service = await new Svcm(nc).add(config);
      service.addEndpoint("who", (_error, msg) => void msg.respond(name));
      await nc.flush();
    }
    const who = async (timeout = 20_000): Promise<string> => (await second.request("who", "", { timeout })).string();
    const seen = async (wanted: number): Promise<string[]> => {
      const names = new Set<string>();
      for (let asked = 0; asked < 500 && names.size < wanted; asked++) names.add(await who());
      return [...names].sort();
    };
    assert.deepEqual(await seen(2), ["cut", "direct"]);
    const during = new Set<string>();
    await through("rst", modules, async () => {
      // What goes to the instance that is cut off, before its server has noticed, is lost: NATS promises no more.
      for (let answered = 0; answered < 30; ) {
        const name = await who(1_000).catch(() => "");
        if (name === "") continue;
        during.add(name);
        answered++;
      }
    });
    assert.deepEqual([...during], ["direct"]);
    assert.deepEqual(await seen(2), ["cut", "direct"]);
  },
);

test("a service of a connection that gives up ends, and says so", limit, async (t) => {
  const modules = await openModuleLine(t, { maxReconnectAttempts: 2 });
  if (modules === undefined) return;
  const { line } = modules;
  const service = await addSlow(new Svcm(line.nc), []);
  const closed = statusOf(line.nc, "close");
  await line.down();
  await closed;
  assert.match(String(await service.stopped), /required subscription .* stopped/);
  assert.equal(service.isStopped, true);
});

/** A service whose requests pile up in `arrived`. */
async function addSlow(services: Svcm, arrived: ServiceMsg[]): Promise<Service> {
  const service = await services.add(config);
  service.addEndpoint("slow", (_error, msg) => void arrived.push(msg));
  return service;
}

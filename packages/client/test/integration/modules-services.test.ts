/** The official services on a Holdfast connection: endpoints, discovery, statistics, errors, queue groups, stopping. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceError, type ServiceMsg, type ServiceStats, Svcm } from "@nats-io/services";
import { type Msg, type NatsConnection, RequestError } from "../../src/index.ts";
import { openModuleLine } from "./modules-harness.ts";
import { limit, open, until } from "./peers-harness.ts";

const config = { name: "max", version: "0.0.1" } as const;
/** As soon as nobody else has answered for this long. */
const quick = { strategy: "stall", maxWait: 10_000, stall: 400 } as const;
/** The default of a second is short on a busy machine. */
const patient = { timeout: 20_000 } as const;

test("a service answers on its endpoints and on those of its groups, with handlers and iterators", limit, async (t) => {
  const modules = await openModuleLine(t);
  if (modules === undefined) return;
  const service = await new Svcm(modules.line.nc).add(config);
  service.addEndpoint("max", (_error, msg) => answer(msg, Math.max));
  const group = service.addGroup("calc");
  group.addGroup("v2").addEndpoint("min", { handler: (_error, msg) => answer(msg, Math.min), subject: "min.>" });
  const sums = group.addEndpoint("sum");
  const reading = (async () => {
    for await (const msg of sums) answer(msg, (...values) => values.reduce((sum, value) => sum + value, 0));
  })();
  await modules.line.nc.flush();
  for (const nc of [modules.second, modules.line.nc]) {
    const ask = async (subject: string): Promise<number> => (await nc.request(subject, "[3,1,2]", patient)).json();
    assert.deepEqual(await Promise.all(["max", "calc.sum", "calc.v2.min.of.all"].map(ask)), [3, 6, 1]);
  }
  sums.stop();
  await reading;
});

test(
  "PING, INFO and STATS of a service say the same to a services client on Holdfast, to one on the official client, and raw",
  limit,
  async (t) => {
    const modules = await openModuleLine(t);
    if (modules === undefined) return;
    const { line, second } = modules;
    const services = new Svcm(line.nc);
    const service = await services.add({ ...config, description: "finds", metadata: { team: "a" }, queue: "workers" });
    service.addEndpoint("max", { handler: (_error, msg) => answer(msg, Math.max), metadata: { input: "numbers" } });
    const other = await services.add({ name: "other", version: "1.2.3" });
    await line.nc.flush();
    await second.request("max", "[1]", patient);

    const identity = { name: "max", id: service.info().id, version: "0.0.1", metadata: { team: "a" } };
    const endpoint = { name: "max", subject: "max", metadata: { input: "numbers" }, queue_group: "workers" };
    const info = { ...identity, type: "io.nats.micro.v1.info_response", description: "finds", endpoints: [endpoint] };
    for (const nc of [line.nc, second]) {
      const client = new Svcm(nc).client(quick);
      assert.deepEqual(idsOf(await all(client.ping())), [identity.id, other.info().id].sort());
      assert.deepEqual(await all(client.ping("max")), [{ ...identity, type: "io.nats.micro.v1.ping_response" }]);
      assert.deepEqual(await all(client.info("max", identity.id)), [info]);
      const [stats, ...more] = await all(client.stats("max"));
      assert.deepEqual(more, []);
      assert.deepEqual(stats, await service.stats().then((own) => JSON.parse(JSON.stringify(own))));
      await assert.rejects(all(client.info("max", other.info().id)), /no responders/);
    }
    assert.deepEqual((await second.request(`$SRV.INFO.max.${identity.id}`, "", patient)).json(), info);
  },
);

test(
  "the statistics of a service count requests, errors and time, carry its own data, and start again at reset()",
  limit,
  async (t) => {
    const modules = await openModuleLine(t);
    if (modules === undefined) return;
    const { line, second } = modules;
    let asked = 0;
    const statsHandler = async (): Promise<unknown> => ({ asked: ++asked });
    const service = await new Svcm(line.nc).add({ ...config, statsHandler });
    service.addEndpoint("handled", (_error, msg) => {
      const end = performance.now() + 5;
      while (performance.now() < end);
      if (msg.string() === "bad") throw new Error("cannot");
      msg.respond(msg.data);
    });
    const iterator = service.addEndpoint("iterated");
    const reading = (async () => {
      for await (const msg of iterator) msg.respond(msg.data);
    })();
    await line.nc.flush();
    for (const text of ["a", "bad", "b"]) await second.request("handled", text, patient);
    for (const text of ["a", "b"]) await second.request("iterated", text, patient);
    const counts = ({ endpoints = [] }: ServiceStats) =>
      endpoints.map(({ name, num_requests, num_errors, last_error }) => [name, num_requests, num_errors, last_error]);
    const stats = await service.stats();
    assert.deepEqual(counts(stats), [
      ["handled", 3, 1, "cannot"],
      ["iterated", 2, 0, undefined],
    ]);
    const [handled] = stats.endpoints ?? [];
    assert.ok(handled !== undefined && handled.processing_time >= 3 * 4e6, JSON.stringify(handled));
    assert.equal(handled.average_processing_time, Math.round(handled.processing_time / 3));
    assert.deepEqual(handled.data, { asked: 1 });
    service.reset();
    assert.deepEqual(counts(await service.stats()), [
      ["handled", 0, 0, undefined],
      ["iterated", 0, 0, undefined],
    ]);
    iterator.stop();
    await reading;
  },
);

test("what a handler throws and respondError() reach the client as a ServiceError with its code", limit, async (t) => {
  const modules = await openModuleLine(t);
  if (modules === undefined) return;
  const { line, second } = modules;
  const service = await new Svcm(line.nc).add(config);
  service.addEndpoint("throws", () => {
    throw new Error("no idea");
  });
  service.addEndpoint("refuses", () => {
    throw new ServiceError(404, "not here");
  });
  service.addEndpoint("responds", (_error, msg) => void msg.respondError(418, "teapot", "some data"));
  service.addEndpoint("works", (_error, msg) => void msg.respond("fine"));
  await line.nc.flush();
  for (const nc of [line.nc, second]) {
    const ask = async (subject: string): Promise<unknown> => errorOf(await nc.request(subject, "", patient));
    assert.deepEqual(await Promise.all(["throws", "refuses", "responds", "works"].map(ask)), [
      [500, "no idea", ""],
      [404, "not here", ""],
      [418, "teapot", "some data"],
      null,
    ]);
  }
  assert.equal(service.isStopped, false);
});

test("instances share the requests of a queue group; without a queue each of them answers", limit, async (t) => {
  const modules = await openModuleLine(t);
  if (modules === undefined) return;
  const { line, second } = modules;
  const connections = [line.nc, await open(t, { servers: line.proxy.url }), second];
  for (const nc of connections) {
    const service = await new Svcm(nc).add(config);
    service.addEndpoint("shared", (_error, msg) => void msg.respond(service.info().id));
    service.addEndpoint("own", { queue: "mine", handler: (_error, msg) => void msg.respond(service.info().id) });
    // On one connection a service without a queue, since "" cannot be asked of an endpoint.
    const broadcast = await new Svcm(nc).add({ ...config, name: "all", queue: "" });
    broadcast.addEndpoint("everybody", (_error, msg) => void msg.respond(broadcast.info().id));
  }
  await Promise.all(connections.map((nc) => nc.flush()));
  const answers = async (subject: string): Promise<string[]> => {
    const got: string[] = [];
    for await (const msg of await line.nc.requestMany(subject, "", quick)) got.push(msg.string());
    return got;
  };
  assert.deepEqual([(await answers("shared")).length, (await answers("own")).length], [1, 1]);
  assert.equal(new Set(await answers("everybody")).size, 3);
  const seen = new Set<string>();
  for (let asked = 0; asked < 500 && seen.size < 3; asked++) seen.add((await second.request("shared", "", patient)).string());
  assert.equal(seen.size, 3, "every instance gets some of the requests");
  const [info] = await all(new Svcm(line.nc).client(quick).info("max"));
  assert.deepEqual(
    info?.endpoints.map((endpoint) => endpoint.queue_group),
    ["q", "mine"],
  );
});

test("stop() answers what has arrived, then nobody responds, and the service is not discovered any more", limit, async (t) => {
  const modules = await openModuleLine(t);
  if (modules === undefined) return;
  const { line, second } = modules;
  const service = await new Svcm(line.nc).add(config);
  const waiting: ServiceMsg[] = [];
  service.addEndpoint("slow", (_error, msg) => void waiting.push(msg));
  await line.nc.flush();
  const pending = second.request("slow", "x", patient);
  await until("the request has arrived", () => waiting.length === 1);
  const stopped = service.stop();
  waiting[0]?.respond("at last");
  assert.equal((await pending).string(), "at last");
  assert.equal(await stopped, null);
  assert.equal(await service.stopped, null);
  assert.equal(service.isStopped, true);
  await nobody(second, "slow");
  await nobody(second, "$SRV.PING");
  const failed = await new Svcm(line.nc).add(config);
  const reason = new Error("enough");
  assert.equal(await failed.stop(reason), reason);
});

test("a service ends when its iterator is left, and with its connection", limit, async (t) => {
  const modules = await openModuleLine(t);
  if (modules === undefined) return;
  const { line, second } = modules;
  const service = await new Svcm(line.nc).add(config);
  const iterator = service.addEndpoint("once");
  const reading = (async () => {
    for await (const msg of iterator) {
      msg.respond();
      break;
    }
  })();
  await line.nc.flush();
  await second.request("once", "", patient);
  await reading;
  assert.equal(await service.stopped, null);
  const last = await new Svcm(line.nc).add(config);
  await line.nc.close();
  // The module's own words, on any client: it sees its subscriptions end first.
  assert.match(String(await last.stopped), /required subscription .* stopped/);
});

test("a service is refused a name, a version or a subject that is none", limit, async (t) => {
  const modules = await openModuleLine(t);
  if (modules === undefined) return;
  const services = new Svcm(modules.line.nc);
  await assert.rejects(services.add({ name: "a b", version: "1.0.0" }), /name/);
  await assert.rejects(services.add({ name: "a", version: "one" }), /semver/);
  const service = await services.add(config);
  assert.throws(() => service.addEndpoint("a.b"), /cannot contain/);
  assert.throws(() => service.addEndpoint("a", { subject: "a >.b" }), /spaces/);
  assert.throws(() => service.addGroup("a.>.b"), /internal/);
});

function answer(msg: ServiceMsg, of: (...values: number[]) => number): void {
  msg.respond(JSON.stringify(of(...msg.json<number[]>())));
}

async function all<T>(answers: Promise<AsyncIterable<T>>): Promise<T[]> {
  const list: T[] = [];
  for await (const one of await answers) list.push(one);
  return list;
}

function idsOf(list: readonly { readonly id: string }[]): string[] {
  return list.map(({ id }) => id).sort();
}

function errorOf(msg: Msg): unknown {
  if (!ServiceError.isServiceError(msg)) return null;
  const error = ServiceError.toServiceError(msg);
  return [error?.code, error?.message, msg.string()];
}

async function nobody(nc: NatsConnection, subject: string): Promise<void> {
  await assert.rejects(nc.request(subject, "", patient), (error) => {
    assert.ok(error instanceof RequestError && error.isNoResponders(), String(error));
    return true;
  });
}

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type FaultProxy, startFaultProxy, startNatsServer } from "holdfast/testing";
import { withRegistry } from "../packages/client/test/package/harness.ts";
import { packLibrary } from "../scripts/package/pack.ts";
import { Project } from "../scripts/package/project.ts";
import { startRegistry } from "../scripts/package/registry.ts";
import { root } from "../scripts/shared/node.ts";
import { Program } from "./program.ts";

const ORDERS = 400;

test("the NestJS microservice hears of every order that was placed while the server was away", {
  timeout: 300_000,
}, async (t) => {
  await withRegistry(t, async () => {
    await using registry = await startRegistry(await packLibrary());
    using project = new Project({ files: join(root, "examples/nestjs-microservice") });
    project.useRegistry(registry.url);
    await project.install();
    assert.deepEqual(Object.values(project.copies("@nats-io/transport-node")), ["holdfast@0.1.0"]);
    await project.npm("run", "check");

    await using server = await startNatsServer();
    await using serviceLink = await startFaultProxy({ upstream: server });
    await using shopLink = await startFaultProxy({ upstream: server });
    const env = { ORDERS: `${ORDERS}`, BACKLOG_DELAY_MS: "100", NO_COLOR: "1" };
    const start = (name: string, link: FaultProxy): Program =>
      new Program(project.folder, ["--import", "tsx", `src/${name}.ts`], { ...env, NATS_URL: link.url }, t.signal);
    await using service = start("main", serviceLink);
    await service.until(/is listening/);
    await using shop = start("shop", shopLink);
    await shop.until(/^emitted/, 1);

    // The server ends, and is away while a hundred orders and two questions are placed.
    for (const link of [serviceLink, shopLink]) link.refuse();
    await server.restart();
    await shop.until(/NatsError: type: "disconnect"/);
    await shop.until(/^emitted/, shop.found(/^emitted/).length + 2);
    // Services subscribe first; in the program itself `backlogDelay` sees to it.
    await serviceLink.accept();
    await service.until(/NatsStatus: type: "reconnect"/);
    await shopLink.accept();

    assert.equal(await shop.ended, 0, shop.lines.join("\n"));
    const [text = "{}"] = shop.found(/^summary (.*)/);
    const { orders, amount } = JSON.parse(text) as { orders: number; amount: number };
    assert.deepEqual({ orders, amount }, { orders: ORDERS, amount: 10 * ORDERS }, shop.lines.join("\n"));
    assert.deepEqual(shop.found(/^answers (.*)/), [`${ORDERS / 50}`]);

    service.kill("SIGTERM");
    assert.equal(await service.ended, "SIGTERM");
    // A question that was on its way when the server ended may have come back; an order never does.
    for (const program of [service, shop]) assert.deepEqual(program.found(/not delivered: order\.placed.*|.*Warning.*/), []);
  });
});

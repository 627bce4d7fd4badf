/** n permission violations among m publishes, on a real server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PermissionViolationError } from "../../src/index.ts";
import { Mixture, type Target, type Way } from "./delivery-permissions.ts";
import { limit, numbers, statusOf, textOf } from "./peers-harness.ts";

const allowed: readonly Target[] = ["ok.a", "ok.b", "ok.c.d"].map((subject) => ({ subject, denied: false }));
const denied: readonly Target[] = ["no.a", "no.b", "no.ä"].map((subject) => ({ subject, denied: true }));
/** The server lets no client name these as reply, whatever its permissions. */
const reserved: readonly Target[] = [
  { subject: "ok.a", reply: "_R_.1", denied: true },
  { subject: "ok.b", reply: "$JS.ACK.x", denied: true },
  { subject: "no.a", reply: "_R_.1", denied: true },
];
const mapped: readonly Target[] = [{ subject: "ok.mapped", denied: true }];
const ways: readonly Way[] = ["publish", "publish", "publish", "confirm", "request"];
const messages = 3_000;

function seedOf(): number {
  return Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
}

for (const delivery of ["at-most-once", "at-least-once"] as const) {
  for (const [what, targets] of [
    ["denied subjects", [...allowed, ...denied]],
    ["reserved replies", [...allowed, ...denied, ...reserved]],
  ] as const) {
    test(
      `${delivery}, ${what}: exactly the refused messages end rejected, in order, the others are confirmed`,
      limit,
      async (t) => {
        const mixture = await Mixture.start(t, seedOf(), { client: { delivery } });
        await mixture.send(messages, targets, ways);
        const { sent, line } = mixture;
        const refused = mixture.denied;
        assert.ok(refused.length > 500 && refused.length < 2_500);
        assert.deepEqual(mixture.rejected, refused);
        const { accepted, rejected, confirmed, inDoubt } = line.nc.outbound.counts();
        assert.deepEqual(
          { rejected, confirmed, inDoubt },
          { rejected: refused.length, confirmed: accepted - refused.length, inDoubt: 0 },
        );
        assert.deepEqual(
          mixture.arrived,
          [...sent.keys()].filter((number) => !refused.includes(number)),
        );
        for (const [number, { way, target, outcome }] of sent.entries()) {
          if (outcome === undefined) continue;
          if (target.denied)
            assert.ok(outcome instanceof PermissionViolationError, `${way} of message ${number}: ${String(outcome)}`);
          else assert.equal(outcome, null, `${way} of message ${number}`);
        }
        assert.equal(mixture.told.length, refused.length);
      },
    );
  }
}

test("what a subject mapping hides is counted and told, and nothing is called rejected", limit, async (t) => {
  const mixture = await Mixture.start(t, seedOf());
  await mixture.send(messages, [...allowed, ...mapped], ["publish"]);
  const { accepted, rejected, confirmed } = mixture.line.nc.outbound.counts();
  assert.deepEqual({ rejected, confirmed }, { rejected: 0, confirmed: accepted });
  assert.deepEqual(mixture.line.undelivered, []);
  // The server names the subject that the mapping made, and each refusal is told.
  assert.deepEqual(mixture.told, Array(mixture.denied.length).fill("no.target"));
  assert.deepEqual(
    mixture.arrived,
    [...mixture.sent.keys()].filter((number) => !mixture.denied.includes(number)),
  );
});

test(
  "a publishAndConfirm() that a subject mapping may have hidden rejects, and never resolves if it was refused",
  limit,
  async (t) => {
    const mixture = await Mixture.start(t, seedOf());
    await mixture.send(messages, [...allowed, ...mapped], ["publish", "confirm"]);
    const confirms = mixture.sent.filter(({ way }) => way === "confirm");
    for (const { target, outcome } of confirms) {
      assert.ok(outcome === null || outcome instanceof PermissionViolationError, String(outcome));
      if (target.denied) assert.ok(outcome instanceof PermissionViolationError, "resolved, although the server refused it");
    }
    assert.equal(mixture.line.nc.outbound.counts().rejected, 0);
  },
);

test(
  "a mapped message and a direct one to the same denied subject: none is called rejected between these fences",
  limit,
  async (t) => {
    const mixture = await Mixture.start(t, seedOf());
    const { nc, undelivered } = mixture.line;
    nc.publish("ok.mapped", "1");
    nc.publish("no.target", "2");
    await nc.flush();
    assert.equal(nc.outbound.counts().rejected, 0);
    // By itself, the direct one is rejected.
    nc.publish("no.target", "3");
    await nc.flush();
    await mixture.line.handedBack();
    assert.deepEqual(mixture.rejected, [3]);
    assert.deepEqual(
      undelivered.map(({ error }) => error instanceof PermissionViolationError && error.subject),
      ["no.target"],
    );
    assert.deepEqual(mixture.told, ["no.target", "no.target", "no.target"]);
  },
);

for (const delivery of ["at-most-once", "at-least-once"] as const) {
  test(`${delivery}: refusals whose PONG never comes decide nothing, also not about the next connection's`, limit, async (t) => {
    const mixture = await Mixture.start(t, seedOf(), { client: { delivery } });
    const { nc, proxy } = mixture.line;
    await nc.flush();
    const [connection] = proxy.connections;
    assert.ok(connection !== undefined);
    // The link ends behind half of the refusals; by FIN, behind which the client still reads them.
    const half = 17 * `-ERR 'Permissions Violation for Publish to "no.a"'\r\n`.length;
    connection.toClient.cutAfter(connection.toClient.forwarded + half, "fin");
    const publish = (number: number): unknown => nc.publish(number % 3 === 0 ? "no.a" : "ok.a", `${number}`);
    const back = statusOf(nc, "reconnect");
    for (let number = 0; number < 100; number++) publish(number);
    await back;
    assert.ok(mixture.told.length > 0 && mixture.told.length < 34, `${mixture.told.length} refusals were read`);
    // At-most-once, the first hundred are in doubt, and these are judged by themselves.
    for (let number = 100; number < 200; number++) publish(number);
    await nc.flush();
    await mixture.line.handedBack();
    const again = delivery === "at-least-once";
    const refused = [...Array(200).keys()].filter((number) => number % 3 === 0);
    const states = mixture.line.undelivered.map((message) => `${textOf(message)} ${message.state}`);
    assert.deepEqual(states, [
      ...(again ? [] : numbers(0, 99).map((number) => `${number} inDoubt`)),
      ...refused.filter((number) => again || number >= 100).map((number) => `${number} rejected`),
    ]);
    assert.equal(nc.outbound.counts().resent, again ? 100 : 0);
  });
}

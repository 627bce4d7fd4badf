import assert from "node:assert/strict";
import { test } from "node:test";
import { headers, Match, type Msg, MsgHdrsImpl, type NatsConnection } from "../../src/index.ts";
import { Both, type Client, limit, outcome } from "./compat-both.ts";

/** Messages and their headers: each scenario is run with the official client and with Holdfast, and must come to the same. */
const both = new Both();

/** One message as the client under test gets it; `send` has another client publish it. */
async function received(client: Client, send: (peer: NatsConnection) => void): Promise<Msg> {
  const [nc, peer] = [await client.open(), await client.peer()];
  const sub = nc.subscribe("msg.>", { max: 1 });
  await nc.flush();
  send(peer);
  for await (const msg of sub) return msg;
  throw new Error("the subscription ended without a message");
}

test("as in nats.js: a message has subject, sid, reply, data and headers", limit, () =>
  both.agree(
    async (client) => {
      const named = headers();
      named.append("A", "1");
      named.append("A", "2");
      const msg = await received(client, (peer) => peer.publish("msg.a", "data", { reply: "answers", headers: named }));
      const plain = await received(client, (peer) => peer.publish("msg.b"));
      return [
        [msg.subject, msg.sid, msg.reply, [...msg.data], msg.data instanceof Uint8Array, msg.headers?.values("A")],
        [plain.subject, plain.sid, plain.reply, plain.data.length, plain.headers],
      ];
    },
    [
      ["msg.a", 1, "answers", [100, 97, 116, 97], true, ["1", "2"]],
      ["msg.b", 1, "", 0, undefined],
    ],
  ),
);

test("as in nats.js: string() is the payload as text", limit, () =>
  both.agree(async (client) => (await received(client, (peer) => peer.publish("msg.a", "größe"))).string(), "größe"),
);

test("as in nats.js: json() parses the payload, with a reviver if given, and throws for what is no JSON", limit, () =>
  both.agree(
    async (client) => {
      const msg = await received(client, (peer) => peer.publish("msg.a", '{"a":1,"b":1}'));
      const bad = await received(client, (peer) => peer.publish("msg.a", "{"));
      const revive = (key: string, value: unknown): unknown => (key === "b" && typeof value === "number" ? 2 * value : value);
      const error = await outcome(() => bad.json());
      return [msg.json(), msg.json(revive), typeof error === "string" && error.startsWith("SyntaxError: ")];
    },
    [{ a: 1, b: 1 }, { a: 1, b: 2 }, true],
  ),
);

test("as in nats.js: respond() answers the reply subject, with options, and says false when there is none", limit, () =>
  both.agree(
    async (client) => {
      const [nc, peer] = [await client.open(), await client.peer()];
      const answers = peer.subscribe("answers", { max: 2 });
      await peer.flush();
      const sub = nc.subscribe("msg.a", { max: 2 });
      await nc.flush();
      peer.publish("msg.a");
      peer.publish("msg.a", "", { reply: "answers" });
      const named = headers();
      named.set("A", "1");
      const said: boolean[] = [];
      for await (const msg of sub) said.push(msg.respond("one", { headers: named, reply: "more" }), msg.respond());
      const got: unknown[] = [];
      for await (const msg of answers) got.push([msg.string(), msg.reply, msg.headers?.get("A")]);
      return [said, got];
    },
    [
      [false, false, true, true],
      [
        ["one", "more", "1"],
        ["", "", undefined],
      ],
    ],
  ),
);

test("as in nats.js: the server's own status comes as headers with code and description", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      const inbox = nc.subscribe("msg.inbox", { max: 1 });
      nc.publish("nobody", "", { reply: "msg.inbox" });
      for await (const { headers: status, data } of inbox) {
        return [status?.code, status?.description, status?.status, status?.hasError, data.length];
      }
      return [];
    },
    [503, "", "503", true, 0],
  ),
);

test("as in nats.js: headers that come in can be read by every method of MsgHdrs", limit, () =>
  both.agree(
    async (client) => {
      const named = headers();
      named.append("Some-Key", "1");
      named.append("Some-Key", "2");
      named.append("other", "3");
      const msg = await received(client, (peer) => peer.publish("msg.a", "", { headers: named }));
      const got = msg.headers;
      assert.ok(got);
      const reading = [
        [got.get("Some-Key"), got.get("some-key"), got.get("some-key", Match.IgnoreCase), got.get("missing")],
        [got.values("Some-Key"), got.last("Some-Key"), got.keys(), got.has("other"), got.has("Other")],
        [got.hasError, got.code, got.description, got.status],
        [...got],
      ];
      got.set("Some-Key", "9");
      got.append("new", "n");
      got.delete("other");
      return [...reading, [...got]];
    },
    [
      ["1", "", "1", ""],
      [["1", "2"], "2", ["Some-Key", "other"], true, false],
      [false, 0, "", "0"],
      [
        ["Some-Key", ["1", "2"]],
        ["other", ["3"]],
      ],
      [
        ["Some-Key", ["9"]],
        ["new", ["n"]],
      ],
    ],
  ),
);

test("the three ways to match a header's name: exact, canonical, without regard to case", () => {
  assert.deepEqual([Match.Exact, Match.CanonicalMIME, Match.IgnoreCase], ["exact", "canonical", "insensitive"]);
  const named = headers();
  named.set("some-key", "exact", Match.Exact);
  named.set("SOME-KEY", "canonical", Match.CanonicalMIME);
  assert.deepEqual([...named.keys()], ["some-key", "Some-Key"]);
  assert.equal(named.get("some-key", Match.Exact), "exact");
  assert.equal(named.get("sOmE-kEy", Match.CanonicalMIME), "canonical");
  assert.deepEqual(named.values("SOME-key", Match.IgnoreCase), ["exact", "canonical"]);
});

test("MsgHdrsImpl has what nats-core's has beyond MsgHdrs", () => {
  const named = new MsgHdrsImpl();
  for (const [name, value] of [
    ["b", "2"],
    ["a", "1"],
    ["a", "3"],
  ] as const)
    named.append(name, value);
  assert.equal(named.size(), 2);
  assert.deepEqual(named.toRecord(), { b: ["2"], a: ["1", "3"] });
  assert.deepEqual(named.findKeys("A", Match.IgnoreCase), ["a"]);
  assert.deepEqual([...named.headers], [...named]);
  assert.deepEqual([...MsgHdrsImpl.fromRecord({ b: ["2"], a: ["1", "3"] })], [...named]);
  const copy = MsgHdrsImpl.decode(named.encode());
  assert.ok(named.equals(copy));
  copy.append("a", "4");
  assert.ok(!named.equals(copy));
  assert.equal(MsgHdrsImpl.validHeaderValue(" trimmed "), "trimmed");
  assert.throws(() => MsgHdrsImpl.validHeaderValue("two\r\nlines"));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import * as core from "@nats-io/nats-core";
import * as holdfast from "../src/index.ts";

/** What Node adds to a CommonJS module. */
const INTEROP = ["default", "module.exports", "__esModule"];
const OURS = ["FlushError", "ReconnectBufferFullError", "UndeliveredError", "connect"];

test("exports everything nats-core exports, the very same, except wsconnect", () => {
  for (const [name, value] of Object.entries(core)) {
    if (INTEROP.includes(name)) continue;
    assert.ok(name in holdfast, `${name} is missing`);
    if (name !== "wsconnect") assert.equal(Reflect.get(holdfast, name), value, name);
  }
});

test("exports nothing else but its own", () => {
  const others = Object.keys(holdfast).filter((name) => !(name in core));
  assert.deepEqual(others.sort(), OURS);
});

test("wsconnect() says that there is no WebSocket yet", async () => {
  await assert.rejects(holdfast.wsconnect(), /no WebSocket transport; use connect\(\)/);
});

test("connect() rejects for options that cannot be, by the option's name", async () => {
  await assert.rejects(holdfast.connect({ reconnectBuffer: -1 }), (error) => {
    assert.ok(error instanceof core.InvalidArgumentError);
    assert.match(error.message, /reconnectBuffer/);
    return true;
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { checkNames, readTable } from "../scripts/peers.ts";
import { root } from "../scripts/shared/node.ts";

test("every test that test/peers.md names exists, once, on a real server", () => {
  assert.deepEqual(checkNames(root), []);
});

test("test/peers.md has cases of every client", () => {
  const clients = new Set(readTable(root).map(({ client }) => client));
  const expected = ["Go", "C", "Java", "JS", "Python", "Python nats-core", "C# v1", "C# v2", "Ruby", "Rust"];
  assert.deepEqual(
    expected.filter((client) => !clients.has(client)),
    [],
  );
});

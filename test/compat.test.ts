import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAll } from "../scripts/compat.ts";
import { root } from "../scripts/shared/node.ts";

test("docs/COMPATIBILITY.md has every member of nats.js' public interface, each with tests that exist", () => {
  assert.deepEqual(checkAll(root), []);
});

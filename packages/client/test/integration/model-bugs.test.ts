import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { withBug } from "../../../../scripts/model-bugs/bug.ts";
import { bugs } from "../../../../scripts/model-bugs/bugs.ts";
import { root } from "../../../../scripts/shared/node.ts";

it("every deliberate bug of scripts/model-bugs can still be put in, and stands in docs/MODEL.md", () => {
  const table = readFileSync(join(root, "docs/MODEL.md"), "utf8");
  assert.ok(bugs.length >= 10);
  assert.equal(new Set(bugs.map(({ name }) => name)).size, bugs.length);
  for (const bug of bugs) {
    assert.ok(withBug(root, bug).includes(bug.replace));
    assert.ok(table.includes(`| ${bug.name} |`), `${bug.name} is not in the table`);
  }
});

it("a patch whose place is not there fails with its name", () => {
  const [bug] = bugs;
  assert.ok(bug !== undefined);
  assert.throws(() => withBug(root, { ...bug, find: "no such text" }), /^Error: trust the write callback.*0 times, not once/);
});

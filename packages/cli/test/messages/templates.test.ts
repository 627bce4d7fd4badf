import assert from "node:assert/strict";
import { test } from "node:test";
import { fillTemplate } from "../../src/messages/templates.ts";

test("template functions are filled in, and what is none stays", () => {
  assert.equal(fillTemplate("{{Count}} {{ Cnt }} {{Other}} {{Count", 7), "7 7 {{Other}} {{Count");
  assert.match(fillTemplate("{{ID}} {{UUID}} {{Unix}} {{UnixNano}}", 1), /^\w{22} [\da-f-]{36} \d{10} \d{19}$/);
  assert.match(fillTemplate("{{TimeStamp}} {{Time}}", 1), /^\d{4}-\d\d-\d\dT\S+Z \d{1,2}:\d\d[AP]M$/);
  assert.equal(fillTemplate("{{Request}}", 1), "{{Request}}", "there is none");
  assert.equal(fillTemplate("{{Request}}", 1, "{{Count}}"), "{{Count}}", "what was received is no template");
});

test("random text is as long as asked for, and bounded", () => {
  for (let i = 0; i < 100; i++) assert.match(fillTemplate("{{Random 3 5}}", 1), /^\w{3,5}$/);
  assert.equal(fillTemplate("{{Random 4 4}}", 1).length, 4);
  assert.equal(fillTemplate("{{Random 9999999 9999999}}", 1).length, 1024 * 1024);
});

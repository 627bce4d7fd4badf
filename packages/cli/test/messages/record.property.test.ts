import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { headers } from "holdfast";
import { headersToObject } from "../../src/messages/headers.ts";
import { fromRecord, toRecord } from "../../src/messages/record.ts";

const token = fc.stringMatching(/^[a-zA-Z0-9_-]{1,8}$/);
const value = fc.stringMatching(/^[ -~ä€]{0,20}$/).map((text) => text.trim());

test("a message comes back from its line as it was, whatever its bytes", () => {
  const message = fc.record({
    subject: token,
    reply: fc.option(token, { nil: undefined }),
    pairs: fc.array(fc.tuple(token, value), { maxLength: 4 }),
    data: fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.string({ unit: "binary" }).map((text) => new TextEncoder().encode(text)),
    ),
  });
  fc.assert(
    fc.property(message, ({ subject, reply, pairs, data }) => {
      const all = headers();
      for (const [name, text] of pairs) all.append(name, text);
      const line = toRecord(
        { subject, data, headers: all, ...(reply === undefined ? {} : { reply }) },
        { state: "inDoubt", ageMs: 3 },
      );
      assert.doesNotMatch(line, /\n/);
      const back = fromRecord(line);
      assert.deepEqual([back.subject, back.reply, [...back.data]], [subject, reply, [...data]]);
      assert.deepEqual(back.headers === undefined ? {} : { ...headersToObject(back.headers) }, { ...headersToObject(all) });
    }),
  );
});

test("text is written as text, other bytes as base64", () => {
  const line = (data: Uint8Array): unknown => JSON.parse(toRecord({ subject: "a", data }));
  assert.deepEqual(line(new TextEncoder().encode("\ufeffä\n")), { subject: "a", data: "\ufeffä\n" });
  assert.deepEqual(line(Uint8Array.of(0xff, 0)), { subject: "a", data_base64: "/wA=" });
});

const bad: readonly (readonly [string, RegExp])[] = [
  ["{", /^is not JSON$/],
  ["[]", /^is not a JSON object$/],
  ['{"data":"x"}', /"subject" must be a string that is not empty/],
  ['{"subject":"","data":"x"}', /"subject" must be a string that is not empty/],
  ['{"subject":"a"}', /needs "data" or "data_base64"/],
  ['{"subject":"a","data":1}', /needs "data" or "data_base64"/],
  ['{"subject":"a","data":"x","data_base64":""}', /has both/],
  ['{"subject":"a","data_base64":"%%%"}', /"data_base64" is not base64/],
  ['{"subject":"a","data":"x","reply":1}', /"reply" must be a string/],
  ['{"subject":"a","data":"x","headers":[]}', /"headers" must be an object/],
  ['{"subject":"a","data":"x","headers":{"K":1}}', /header "K" must be a string or a list of strings/],
  ['{"subject":"a","data":"x","headers":{"K\\n":"1"}}', /header "K\\n": /],
];

for (const [line, message] of bad) {
  test(`${line} is refused, and it says why`, () => {
    assert.throws(
      () => fromRecord(line),
      (error: unknown) => error instanceof Error && message.test(error.message),
    );
  });
}

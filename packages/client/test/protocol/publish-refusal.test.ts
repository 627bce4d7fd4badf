import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parsePublishRefusal } from "../../src/protocol/publish-refusal.ts";

describe("the refusal of a publish", () => {
  it("names the subject, or the reply", () => {
    assert.deepEqual(parsePublishRefusal('Permissions Violation for Publish to "a.b"'), { of: "subject", name: "a.b" });
    assert.deepEqual(parsePublishRefusal('Permissions Violation for Publish with Reply of "_INBOX.1"'), {
      of: "reply",
      name: "_INBOX.1",
    });
  });

  it("is nothing else", () => {
    for (const text of [
      'Permissions Violation for Subscription to "a.b"',
      'Permissions Violation for Subscription to "a" using queue "q"',
      "Maximum Payload Violation",
      'Invalid Publish Subject "Permissions Violation for Publish to "x""',
      "",
    ]) {
      assert.equal(parsePublishRefusal(text), undefined, text);
    }
  });

  it("is read back from Go's quoting", () => {
    const cases: [quoted: string, name: string][] = [
      ['a\\"b', 'a"b'],
      ["a\\\\b", "a\\b"],
      ["a\\\\x41", "a\\x41"],
      ["\\x01\\x7f", "\x01\x7f"],
      ["\\u00a0\\U0001f600", "\u00a0😀"],
      ["\\a\\b\\f\\n\\r\\t\\v", "\x07\b\f\n\r\t\v"],
      ["größe.日本", "größe.日本"],
      ['x" y "z', 'x" y "z'],
    ];
    for (const [quoted, name] of cases) {
      assert.equal(parsePublishRefusal(`Permissions Violation for Publish to "${quoted}"`)?.name, name, quoted);
    }
  });
});

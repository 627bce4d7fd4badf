import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { greatestPayload, LineSplitter } from "../../src/pub/line-splitter.ts";

test("however the bytes are cut, the lines are the same", () => {
  const text = fc.array(fc.constantFrom("a", "bc", "\n", "\r\n", "\r", "\n\n"), { maxLength: 30 }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, fc.array(fc.nat(60)), (whole, cuts) => {
      const bytes = Buffer.from(whole);
      const ends = [...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort((a, b) => a - b);
      const splitter = new LineSplitter();
      let start = 0;
      const lines: string[] = [];
      for (const end of ends) {
        lines.push(...splitter.push(bytes.subarray(start, end)).map((line) => Buffer.from(line).toString()));
        start = end;
      }
      const last = splitter.end();
      if (last !== null) lines.push(Buffer.from(last).toString());
      const expected = whole.split("\n");
      if (expected.at(-1) === "") expected.pop();
      assert.deepEqual(
        lines,
        expected.map((line) => line.replace(/\r$/, "")),
      );
    }),
  );
});

test("a line that no server takes is refused before it takes all memory", () => {
  const splitter = new LineSplitter();
  const chunk = new Uint8Array(greatestPayload / 4);
  for (let i = 0; i < 4; i++) splitter.push(chunk);
  assert.throws(() => splitter.push(new Uint8Array(1)), /a line is longer than 67108864 bytes/);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { InternedTexts, textOf } from "../../src/bytes/interned.ts";

function textsOf(names: readonly string[], texts: InternedTexts): string[] {
  return names.map((name) => {
    const bytes = Buffer.from(`x${name}x`);
    return texts.text(bytes, 1, bytes.length - 1);
  });
}

test("gives the text of the bytes, whatever came before", () => {
  const name = fc.oneof(fc.constantFrom("a", "b", "orders.created", ""), fc.string({ unit: "binary", maxLength: 80 }));
  fc.assert(
    fc.property(fc.array(name, { maxLength: 50 }), (names) => {
      const wellFormed = names.map((each) => Buffer.from(each).toString());
      assert.deepEqual(textsOf(wellFormed, new InternedTexts()), wellFormed);
    }),
  );
});

test("more texts than there are places, again and again", () => {
  const names = Array.from({ length: 5000 }, (_, i) => `subject.${i % 3 === 0 ? i : 7}`);
  const texts = new InternedTexts();
  for (let round = 0; round < 3; round++) assert.deepEqual(textsOf(names, texts), names);
});

test("bytes that are no UTF-8 become U+FFFD, and a byte order mark stays", () => {
  assert.equal(textOf(Uint8Array.of(97, 255, 98), 0, 3), "a\uFFFDb");
  assert.equal(textOf(Uint8Array.of(0xef, 0xbb, 0xbf, 97), 0, 4), "\uFEFFa");
});

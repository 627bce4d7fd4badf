import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isWithinEdits, nearestOption, optionNames } from "../src/option-names.ts";
import { resolveOptions } from "../src/resolve-options.ts";

/** The textbook's table, as an independent judge. */
function levenshtein(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

test("isWithinEdits agrees with the textbook's edit distance", () => {
  const short = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 8 }).map((letters) => letters.join(""));
  fc.assert(
    fc.property(short, short, fc.nat(4), (a, b, edits) => {
      assert.equal(isWithinEdits(edits, a, b), levenshtein(a, b) <= edits);
    }),
    { numRuns: 5_000 },
  );
});

test("a slip finds the option that was meant, a known or a foreign name finds none", () => {
  assert.equal(nearestOption("reconectBuffer"), "reconnectBuffer");
  assert.equal(nearestOption("server"), "servers");
  assert.equal(nearestOption("maxPingsOut"), "maxPingOut");
  assert.equal(nearestOption("reconnectJiterTSL"), undefined, "three edits");
  assert.equal(nearestOption("encoding"), undefined);
  assert.equal(nearestOption("x".repeat(10_000_000)), undefined);
  for (const name of optionNames) {
    assert.equal(nearestOption(name), undefined);
  }
});

test("unknown options are ignored; a process is warned once, and only of names within two edits of a known one", async () => {
  const warnings: (Error & { code?: string })[] = [];
  const listen = (warning: Error) => warnings.push(warning);
  process.on("warning", listen);
  try {
    resolveOptions({ encoding: "json", somethingElse: 1, constructor: 2 });
    await nextTurn();
    assert.equal(warnings.length, 0);
    resolveOptions({ reconectBuffer: "s3cret", servrs: "s3cret" });
    resolveOptions({ reconectBuffer: 2, timeOut: 1 });
    await nextTurn();
    assert.equal(warnings.length, 1);
    assert.equal(warnings[0]?.code, "HOLDFAST_UNKNOWN_OPTION");
    assert.equal(
      warnings[0]?.message,
      "connect() ignores unknown options: 'reconectBuffer' (did you mean 'reconnectBuffer'?), 'servrs' (did you mean 'servers'?)",
    );
  } finally {
    process.off("warning", listen);
  }
});

/** Warnings are emitted in a `process.nextTick()`. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

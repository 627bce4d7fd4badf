/** What the oracle says of at-least-once delivery: a good run passes, and each lie in the evidence is found. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Counts } from "../../src/index.ts";
import type { Evidence, LinkEvidence, SentFrame } from "./delivery-evidence.ts";
import { WINDOW_SLACK } from "./delivery-oracle.ts";
import { surplus } from "./delivery-report.ts";
import { type Allowances, examine } from "./oracle.ts";

/**
 * Messages 0 to 9. The first link got 0 to 5, a PONG for 0 to 2, and was cut; 0 to 4 arrived. The second link got 3 to 9: so 3, 4 and 5 went
 * again, and 3 and 4 are stored twice.
 */
const good: Evidence = {
  delivery: "at-least-once",
  accepted: 10,
  refused: 0,
  handedBack: [],
  stored: [0, 1, 2, 3, 4, 3, 4, 5, 6, 7, 8, 9],
  links: [
    link({ handedOver: frames(0, 5), confirmed: 300, acceptedAtEnd: 8 }),
    link({ handedOver: frames(3, 9), confirmed: 700, acceptedAtEnd: 10, closedByClient: true }),
  ],
  forwarded: [0, 1, 2, 3, 4, 3, 4, 5, 6, 7, 8, 9],
  counts: counts({ accepted: 10, confirmed: 10, resent: 3 }),
};

test("a good run is found good, and its figures are those of the evidence", () => {
  const { figures, violations } = examine(good);
  assert.deepEqual(violations, []);
  const { stored, duplicated, resent, inDoubt, unconfirmedBytes, missing } = figures;
  assert.deepEqual(
    { stored, duplicated, resent, inDoubt, unconfirmedBytes, missing },
    { stored: 10, duplicated: 2, resent: 3, inDoubt: 0, unconfirmedBytes: 300, missing: 0 },
  );
});

const lies: readonly [what: string, change: Partial<Evidence>, expected: RegExp][] = [
  ["a message that is nowhere", { stored: good.stored.slice(0, -1) }, /lost: .*: 9/],
  ["a rewind that skipped a message", second({ handedOver: frames(4, 9) }), /link 2 was handed message 4 in place of 3/],
  ["a rewind too far back", second({ handedOver: frames(2, 9) }), /link 2 was handed message 2 in place of 3/],
  [
    "newer messages before those that go again",
    second({ handedOver: [...frames(6, 9), ...frames(3, 5)] }),
    /message 6 in place of 3/,
  ],
  ["a hole in the middle", second({ handedOver: [...frames(3, 5), ...frames(7, 9)] }), /message 7 in place of 6/],
  ["more copies than were sent again", { stored: [...good.stored, 3, 4] }, /4 second copies were stored, but only 3/],
  ["a third copy that was forwarded once", { stored: [...good.stored, 9] }, /stored more often than forwarded whole: 9/],
  ["a copy that nobody handed over", { forwarded: [...(good.forwarded ?? []), 0] }, /more often than handed over: 0/],
  ["a `resent` that is too small", { counts: { ...good.counts, resent: 2 } }, /resent is 2, but 3 frames went again/],
  ["a `resent` that is too large", { counts: { ...good.counts, resent: 4 } }, /resent is 4, but 3 frames went again/],
  ["first copies out of order", { stored: [0, 1, 2, 4, 3, 4, 5, 6, 7, 8, 9] }, /stored out of order: 3/],
  ["doubt about what was confirmed", { handedBack: [{ number: 6, state: "inDoubt" }] }, /although a PONG confirmed it: 6/],
  ["a confirmation that never came", second({ confirmed: 600 }), /neither confirmed nor in doubt: 9/],
  [
    "a second window on top of the first",
    second({ confirmed: 0, largestWindow: 600 - WINDOW_SLACK }),
    /link 2 left 700 bytes in doubt/,
  ],
  ["counts that are wrong", { counts: { ...good.counts, confirmed: 9 } }, /counts\(\).confirmed is 9, not 10/],
];

for (const [what, change, expected] of lies) {
  test(`at-least-once: it finds ${what}`, () => {
    assert.match(examine({ ...good, ...change }).violations.join("\n"), expected);
  });
}

test("a message that expired while it waited may leave a hole, and nothing else may", () => {
  const change: Partial<Evidence> = {
    handedBack: [{ number: 6, state: "expired" }],
    links: [
      good.links[0] ?? assert.fail(),
      link({ ...good.links[1], handedOver: [...frames(3, 5), ...frames(7, 9)], confirmed: 600 }),
    ],
    stored: good.stored.filter((number) => number !== 6),
    forwarded: good.forwarded?.filter((number) => number !== 6) ?? null,
    counts: { ...good.counts, confirmed: 9, expired: 1 },
  };
  assert.deepEqual(examine({ ...good, ...change }, { states: ["expired"] }).violations, []);
  assert.notDeepEqual(examine({ ...good, ...change, handedBack: [] }, { states: ["expired"] }).violations, []);
});

test("a killed server may have forgotten what a PONG had confirmed, and nothing that only went to it", () => {
  const forgiving: Allowances = { serverForgets: true };
  const without = (...numbers: number[]): Partial<Evidence> => ({ stored: good.stored.filter((n) => !numbers.includes(n)) });
  assert.deepEqual(examine({ ...good, ...without(0, 2) }, forgiving).violations, []);
  assert.match(examine({ ...good, ...without(4) }, forgiving).violations.join("\n"), /not even confirmed by a server: 4/);
});

test("what is in doubt may be stored late where a frozen server reads the old link behind the new one, and nothing else", () => {
  const evidence: Evidence = {
    ...good,
    delivery: "at-most-once",
    links: [
      link({ handedOver: frames(0, 5), confirmed: 300, acceptedAtEnd: 6, endedInDoubt: 3 }),
      link({ handedOver: frames(6, 9), confirmed: 400, acceptedAtEnd: 10, closedByClient: true }),
    ],
    handedBack: [3, 4, 5].map((number) => ({ number, state: "inDoubt" })),
    stored: [0, 1, 2, 6, 3, 4, 7, 8, 9],
    forwarded: null,
    counts: counts({ accepted: 10, confirmed: 7, inDoubt: 3 }),
  };
  assert.match(examine(evidence).violations.join("\n"), /stored out of order: 3, 4/);
  assert.deepEqual(examine(evidence, { lateDoubt: true }).violations, []);
  const worse = { ...evidence, stored: [0, 2, 1, 6, 3, 4, 7, 8, 9] };
  assert.match(examine(worse, { lateDoubt: true }).violations.join("\n"), /stored out of order: 1$/m);
});

test("between two servers there is no order, on each there is", () => {
  const several: Allowances = { severalServers: true };
  const mixed = { ...good, stored: [0, 6, 1, 2, 7, 3, 4, 3, 4, 5, 8, 9] };
  assert.deepEqual(examine(mixed, several).violations, []);
  assert.match(
    examine({ ...mixed, stored: [0, 7, 1, 2, 6, 3, 4, 3, 4, 5, 8, 9] }, several).violations.join("\n"),
    /of link 2 .*: 6/,
  );
});

test("surplus() counts copies", () => {
  assert.deepEqual(surplus([1, 2, 2, 3, 3, 3], [1, 2, 3, 3]), [2, 3]);
});

/** The good evidence with another second link. */
function second(change: Partial<LinkEvidence>): Partial<Evidence> {
  const [first, last] = good.links;
  return { links: [first ?? assert.fail(), link({ ...last, ...change })] };
}

/** Messages `from` to `to`, both included, of 100 bytes each. */
function frames(from: number, to: number): SentFrame[] {
  return Array.from({ length: to - from + 1 }, (_, i) => ({ number: from + i, start: i * 100, end: (i + 1) * 100 }));
}

function link(change: Partial<LinkEvidence>): LinkEvidence {
  return {
    handedOver: [],
    confirmed: 0,
    largestWindow: 65_536,
    acceptedAtEnd: 0,
    endedInDoubt: 0,
    closedByClient: false,
    ...change,
  };
}

function counts(change: Partial<Counts>): Counts {
  const none = { rejected: 0, inDoubt: 0, dropped: 0, expired: 0, undeliverable: 0, abandoned: 0, inFlight: 0, buffered: 0 };
  return { accepted: 0, refused: 0, resent: 0, confirmed: 0, ...none, ...change };
}

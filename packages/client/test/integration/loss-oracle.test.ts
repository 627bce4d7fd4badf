/** The oracle itself: a good run passes, and each lie in the evidence is found. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Counts } from "../../src/index.ts";
import type { Evidence, LinkEvidence, SentFrame } from "./delivery-evidence.ts";
import { WINDOW_SLACK } from "./delivery-oracle.ts";
import { type Allowances, examine } from "./oracle.ts";

/** Messages 0 to 9. The first link got 0 to 5 and was cut: 0 to 3 were confirmed, 4 and 5 are in doubt, 4 arrived. The second got the rest. */
const good: Evidence = {
  delivery: "at-most-once",
  accepted: 10,
  refused: 0,
  handedBack: [
    { number: 4, state: "inDoubt" },
    { number: 5, state: "inDoubt" },
  ],
  stored: [0, 1, 2, 3, 4, 6, 7, 8, 9],
  links: [
    link({ handedOver: frames(0, 5), confirmed: 400, acceptedAtEnd: 8, endedInDoubt: 2 }),
    link({ handedOver: frames(6, 9), confirmed: 400, acceptedAtEnd: 10, closedByClient: true }),
  ],
  forwarded: [0, 1, 2, 3, 4, 6, 7, 8, 9],
  counts: counts({ accepted: 10, confirmed: 8, inDoubt: 2 }),
};

test("a good run is found good, and its figures are those of the evidence", () => {
  const { figures, violations } = examine(good);
  assert.deepEqual(violations, []);
  assert.deepEqual(figures, {
    accepted: 10,
    refused: 0,
    stored: 9,
    duplicated: 0,
    resent: 0,
    inDoubt: 2,
    storedInDoubt: 1,
    unconfirmedBytes: 200,
    otherwiseHandedBack: 0,
    missing: 0,
    links: 2,
  });
});

const lies: readonly [what: string, change: Partial<Evidence>, expected: RegExp][] = [
  ["a message that is nowhere", { stored: [0, 1, 2, 3, 4, 6, 7, 9] }, /1 messages lost: .*: 8/],
  ["a message that is stored twice", { stored: [0, 1, 2, 3, 4, 4, 6, 7, 8, 9] }, /stored more than once: 4/],
  ["messages in the wrong order", { stored: [0, 1, 2, 3, 4, 7, 6, 8, 9] }, /stored out of order: 6/],
  ["a message that nobody published", { stored: [...good.stored, 10] }, /stored, but never accepted: 10/],
  ["a stored message that was dropped", { handedBack: [{ number: 3, state: "dropped" }] }, /stored, and handed back as if.*: 3/],
  [
    "a forwarded message that expired",
    { handedBack: [{ number: 3, state: "expired" }] },
    /forwarded whole, but ended as if.*: 3/,
  ],
  ["a state that no limit explains", { handedBack: [{ number: 5, state: "abandoned" }] }, /message 5 ended abandoned/],
  ["a message handed back twice", { handedBack: [...good.handedBack, ...good.handedBack] }, /handed back more than once: 4, 5/],
  ["doubt out of order", { handedBack: good.handedBack.toReversed() }, /handed back out of order: 4/],
  [
    "doubt about a message that never went",
    { handedBack: [{ number: 9, state: "inDoubt" }], links: good.links.slice(0, 1) },
    /no link: 9/,
  ],
  [
    "doubt about less than all that is unconfirmed",
    { handedBack: good.handedBack.slice(0, 1) },
    /not confirmed on link 1, and not in doubt: 5/,
  ],
  ["doubt about what a PONG confirmed", links({ confirmed: 500 }), /in doubt, although a PONG confirmed it: 4/],
  ["doubt about a message accepted after the cut", links({ acceptedAtEnd: 5 }), /accepted after its end: 5/],
  ["doubt that was not counted", links({ endedInDoubt: 1 }), /left 2 messages in doubt, 1 were counted/],
  [
    "more doubt than a window",
    links({ largestWindow: 199 - WINDOW_SLACK }),
    /200 bytes in doubt, its window was never more than/,
  ],
  ["a message sent again", links({ handedOver: frames(0, 6), endedInDoubt: 2 }), /handed over whole to two links: 6/],
  ["a message that the client thought it still had", links({ handedOver: frames(0, 3) }), /did not know.*: 4/],
  ["a message stored out of nothing", { forwarded: [0, 1, 2, 3, 4, 6, 7, 8] }, /stored, but not forwarded whole: 9/],
  ["a message forwarded into nothing", { stored: good.stored.slice(1) }, /forwarded whole, but not stored.*: 0/],
  ["a message forwarded twice", { forwarded: [...(good.forwarded ?? []), 9] }, /forwarded whole twice: 9/],
  ["a loss behind the last cut", { stored: good.stored.slice(0, -1) }, /accepted after the last cut, and not simply stored: 9/],
  ["counts that are wrong", { counts: counts({ accepted: 10, confirmed: 9, inDoubt: 1 }) }, /counts\(\).confirmed is 9, not 8/],
  ["counts that still hold", { counts: { ...good.counts, buffered: 1 } }, /counts\(\).buffered is 1, not 0/],
];

for (const [what, change, expected] of lies) {
  test(`it finds ${what}`, () => {
    assert.match(examine({ ...good, ...change }).violations.join("\n"), expected);
  });
}

test("a killed server may have forgotten what it had confirmed, and nothing else", () => {
  const forgiving: Allowances = { serverForgets: true };
  assert.deepEqual(examine({ ...good, stored: good.stored.slice(2) }, forgiving).violations, []);
  const lost = examine({ ...good, stored: good.stored.slice(0, -1) }, forgiving).violations;
  assert.match(lost.join("\n"), /not even confirmed by a server: 9/);
});

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

/** The good evidence with another first link. */
function links(change: Partial<LinkEvidence>): Partial<Evidence> {
  const [first, ...others] = good.links;
  assert.ok(first !== undefined);
  return { links: [{ ...first, ...change }, ...others] };
}

function counts(change: Partial<Counts>): Counts {
  return {
    accepted: 0,
    refused: 0,
    resent: 0,
    confirmed: 0,
    rejected: 0,
    inDoubt: 0,
    dropped: 0,
    expired: 0,
    undeliverable: 0,
    abandoned: 0,
    inFlight: 0,
    buffered: 0,
    ...change,
  };
}

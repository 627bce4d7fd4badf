/**
 * What publishing costs in writes and PINGs, exactly: counted on the virtual clock, so that a slow or busy machine changes nothing. A change
 * that makes either more expensive has to change the figure here, and say why.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbound } from "../../src/outbound/outbound.ts";
import type { Treatment } from "../../src/outbound/treatment.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { defaults } from "./harness.ts";
import { PingScanner } from "./ping-scanner.ts";

const MIB = 1024 * 1024;

interface Costs {
  readonly writes: number;
  readonly pings: number;
  readonly bytes: number;
}

/** Publishes in turns, over a link that takes everything at once and whose PONGs come `roundTrip` later. A turn lasts 1 ms. */
function publish(load: { messages: number; payload: number; aTurn: number; roundTrip: number; treatment?: Treatment }): Costs {
  const clock = new VirtualClock();
  const ignored = { undelivered: null, undeliveredFailed: () => {}, stalled: () => {}, event: () => {} };
  const outbound = new Outbound(defaults, clock, ignored);
  const costs = { writes: 0, pings: 0, bytes: 0 };
  const scanner = new PingScanner(() => {
    costs.pings++;
    clock.timer(load.roundTrip, () => outbound.pong());
  });
  const write = (...pieces: readonly Uint8Array[]): true => {
    costs.writes++;
    for (const piece of pieces) {
      costs.bytes += piece.length;
      scanner.push(piece);
    }
    return true;
  };
  outbound.attach(
    { chunkBytes: 64 * 1024, unfinished: "last-item", write: (chunk) => write(chunk), writeAll: (pieces) => write(...pieces) },
    MIB,
    true,
  );
  const payload = new Uint8Array(load.payload);
  for (let sent = 0; sent < load.messages; ) {
    for (let n = 0; n < load.aTurn && sent < load.messages; n++, sent++)
      outbound.publish("orders.created", "", null, payload, load.treatment);
    clock.advance(1);
  }
  clock.advance(1_000);
  assert.equal(outbound.counts().confirmed, load.messages);
  return costs;
}

function atMost(costs: Costs, bound: Costs): void {
  const more = Object.entries(bound).filter(([what, most]) => costs[what as keyof Costs] > most);
  assert.deepEqual(more, [], `${JSON.stringify(costs)}, at most ${JSON.stringify(bound)} was enough`);
}

test("100 000 publishes of 16 B, 1 000 a turn: a write a turn, three or four PINGs in it", () => {
  atMost(publish({ messages: 100_000, payload: 16, aTurn: 1_000, roundTrip: 0.1 }), {
    writes: 101,
    pings: 344,
    bytes: 4_102_064,
  });
});

test("100 000 publishes of 16 B in one turn: a write for each run up to four chunks, fewer PINGs as the window grows", () => {
  atMost(publish({ messages: 100_000, payload: 16, aTurn: 100_000, roundTrip: 0.1 }), {
    writes: 120,
    pings: 85,
    bytes: 4_100_510,
  });
});

test("a message a millisecond: a write each, a PING every 20 ms", () => {
  atMost(publish({ messages: 10_000, payload: 128, aTurn: 1, roundTrip: 0.1 }), { writes: 10_500, pings: 501, bytes: 1_543_006 });
});

test("64 MiB in messages of 1 KiB: fourteen writes and five PINGs a MiB", () => {
  atMost(publish({ messages: 65_536, payload: 1024, aTurn: 4_096, roundTrip: 0.1 }), {
    writes: 874,
    pings: 302,
    bytes: 68_880_148,
  });
});

test("64 MiB in messages of 16 KiB by reference: seven of them in two writes, and four for each PING", () => {
  const treatment = { byReference: true };
  atMost(publish({ messages: 4_096, payload: 16_384, aTurn: 64, roundTrip: 0.1, treatment }), {
    writes: 1_163,
    pings: 1_102,
    bytes: 67_230_164,
  });
});

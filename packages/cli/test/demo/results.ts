import type { Sample } from "../../src/demo/event.ts";
import type { DemoOptions } from "../../src/demo/options.ts";
import type { ClientResult, DemoResult } from "../../src/demo/result.ts";
import { RunRecord } from "../../src/demo/run-record.ts";

/** A run of the demo as it is without options, but for a buffer of 8 MB sharp. */
export const defaultOptions: DemoOptions = {
  rate: 10_000,
  size: 128,
  outageMs: 3_000,
  fault: "rst",
  delivery: "at-most-once",
  stallTimeoutMs: null,
  bufferBytes: 8_000_000,
  clients: ["holdfast", "nats.js"],
  json: false,
  html: null,
  leadMs: 3_000,
  tailMs: 4_000,
};

/** A faultless result of Holdfast, with changes. */
export function holdfastResult(changes: Partial<ClientResult> = {}): ClientResult {
  return {
    name: "holdfast",
    version: "0.1.0",
    delivery: "at-most-once",
    attempted: 1_000,
    refused: 0,
    stored: 990,
    handedBack: 10,
    inDoubt: 10,
    storedInDoubt: 0,
    lostSilently: 0,
    wronglyHandedBack: 0,
    duplicated: 0,
    outOfOrder: 0,
    confirmedThenLost: 0,
    confirmed: 990,
    resent: 0,
    msToDetect: 3,
    inDoubtBytes: 1_540,
    impossible: 0,
    countsAgree: true,
    msPublishing: 1_000,
    connections: 3,
    bytesToServer: 150_000,
    flush: { kind: "done", ms: 2 },
    close: { kind: "done", ms: 2 },
    firstRefusal: null,
    counts: {},
    ...changes,
  };
}

/** What the official client typically leaves, with changes. */
export function officialResult(changes: Partial<ClientResult> = {}): ClientResult {
  return holdfastResult({
    name: "nats.js",
    version: "3.4.0",
    delivery: null,
    stored: 700,
    handedBack: null,
    inDoubt: null,
    storedInDoubt: null,
    lostSilently: 300,
    wronglyHandedBack: null,
    confirmedThenLost: null,
    confirmed: null,
    resent: null,
    inDoubtBytes: null,
    countsAgree: null,
    counts: null,
    ...changes,
  });
}

/** A valid run of these clients, with changes. */
export function demoResult(clients: readonly ClientResult[], changes: Partial<DemoResult> = {}): DemoResult {
  return {
    valid: true,
    server: "2.15.2",
    fault: "rst",
    rate: 1_000,
    size: 128,
    outageMs: 300,
    clients,
    invalidBecause: [],
    bufferBytes: 8_388_608,
    storage: "memory",
    stallTimeoutMs: null,
    ...changes,
  };
}

/** Holdfast in the middle of an outage, with changes. */
export function sampleOf(changes: Partial<Sample> = {}): Sample {
  return {
    client: "holdfast",
    atMs: 2_000,
    state: "reconnecting",
    attempted: 20_000,
    refused: 0,
    handedBack: 12,
    confirmed: 9_900,
    inDoubt: 12,
    heldBytes: 4_194_304,
    limitBytes: 8_388_608,
    sent: 2_500_000,
    stored: 9_910,
    lost: 0,
    ...changes,
  };
}

/** A run whose buffer fills from 3 s on and is full at 5 s. */
export function recordUntil(ms: number): RunRecord {
  const record = new RunRecord();
  record.hear({ kind: "start", at: 0 });
  for (let atMs = 250; atMs <= ms; atMs += 250) {
    if (atMs === 3_000) record.hear({ kind: "fault begins", atMs });
    if (atMs === 6_000) record.hear({ kind: "fault over", atMs });
    const isDown = atMs >= 3_000 && atMs < 6_000;
    const state = isDown ? ("reconnecting" as const) : ("connected" as const);
    const common = { atMs, state, attempted: atMs * 10, sent: Math.min(atMs, 3_000) * 1_500 };
    const heldBytes = isDown ? Math.min(8_000_000, (atMs - 3_000) * 4_000) : 2_000;
    const limitBytes = isDown ? 8_000_000 : null;
    record.hear({ kind: "sample", sample: sampleOf({ ...common, heldBytes, limitBytes }) });
    const unknown = { handedBack: null, confirmed: null, inDoubt: null, heldBytes: null, limitBytes: null };
    record.hear({
      kind: "sample",
      sample: sampleOf({ ...common, ...unknown, client: "nats.js", lost: atMs > 6_000 ? 30_140 : 0 }),
    });
  }
  return record;
}

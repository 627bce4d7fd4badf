import type { ClientResult, DemoResult } from "../../src/demo/result.ts";

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

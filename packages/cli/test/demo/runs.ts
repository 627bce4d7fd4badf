/** Short runs of the demo, and what they print with `--json`. */
import assert from "node:assert/strict";

/** Options of a run of two seconds and {@link shortTotal} messages. */
export const short: readonly string[] = ["--rate", "2000", "--outage", "700", "--lead", "400", "--tail", "900"];
export const shortTotal = 4_000;

/** The fields that the first issue names, in its order. */
const clientFields = [
  "name",
  "version",
  "delivery",
  "attempted",
  "refused",
  "stored",
  "handedBack",
  "inDoubt",
  "storedInDoubt",
  "lostSilently",
  "wronglyHandedBack",
  "duplicated",
  "outOfOrder",
];
const laterFields = ["confirmed", "resent", "confirmedThenLost", "msToDetect", "inDoubtBytes"];
const runFields = ["valid", "server", "fault", "rate", "size", "outageMs", "clients"];

/** What `--json` printed. */
export interface Run {
  readonly [field: string]: unknown;
  readonly clients: readonly Record<string, unknown>[];
}

/** Standard output must be exactly one JSON object with the fields of the issue. */
export function parseRun(stdout: string): Run {
  const value: unknown = JSON.parse(stdout);
  assert.equal(stdout.trimEnd().split("\n").length, 1);
  assert.ok(typeof value === "object" && value !== null && "clients" in value && Array.isArray(value.clients));
  assert.deepEqual(Object.keys(value).slice(0, runFields.length), runFields);
  for (const client of value.clients) {
    assert.deepEqual(Object.keys(client).slice(0, clientFields.length), clientFields);
    for (const field of laterFields) assert.ok(field in client, field);
  }
  return { ...value, clients: value.clients };
}

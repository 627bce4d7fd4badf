import type { PublisherReport } from "./messages.ts";
import type { Ranges } from "./ranges.ts";

/**
 * Whether the client's own counts, read after `close()`, are what its user observed: every publish accepted or refused, every message
 * handed back counted in its state, all others confirmed, and nothing held any more. `null` where the client does not count.
 */
export function countsAgree(report: PublisherReport): boolean | null {
  const { counts, handedBack } = report;
  if (counts === null) return null;
  const refused = size(report.refused);
  const expected = new Map<string, number>([
    ["accepted", report.attempted - refused],
    ["refused", refused],
    ["inFlight", 0],
    ["buffered", 0],
  ]);
  for (const state of ["rejected", "inDoubt", "dropped", "expired", "undeliverable", "abandoned"]) expected.set(state, 0);
  for (const [state, numbers] of handedBack ?? []) expected.set(state, size(numbers));
  const ended = (handedBack ?? []).reduce((sum, [, numbers]) => sum + size(numbers), 0);
  expected.set("confirmed", report.attempted - refused - ended);
  return [...expected].every(([state, messages]) => counts[state] === messages);
}

function size(numbers: Ranges): number {
  return numbers.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

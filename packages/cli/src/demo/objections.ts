import type { FaultRecord } from "./fault-course.ts";
import { flapBytes } from "./faults.ts";
import { count, seconds } from "./format.ts";
import type { Lane, LaneEnd } from "./lane.ts";
import { type DemoOptions, publishingMs } from "./options.ts";
import { latestFactor } from "./pace.ts";

/** Why nothing follows from the run, a phrase each; empty when it is valid. `drops`: log lines of the server. */
export function objections(
  options: DemoOptions,
  ends: readonly LaneEnd[],
  fault: FaultRecord,
  drops: readonly string[],
): string[] {
  const [drop] = drops;
  return [
    ...ends.flatMap((end) => tooLate(options, end)),
    ...ends.flatMap(({ lane }, index) => notStruck(options, lane, fault.openConnections[index] ?? 0)),
    ...ends.flatMap(({ lane }) => lane.receipts?.gap() ?? []),
    ...(drop === undefined ? [] : [`the server dropped messages by itself ("${drop}")`]),
  ];
}

function tooLate(options: DemoOptions, { lane, report }: LaneEnd): string[] {
  const planned = publishingMs(options);
  if (report.msPublishing <= planned * latestFactor) return [];
  return [`the ${lane.client} publisher needed ${seconds(report.msPublishing)} for what was planned for ${seconds(planned)}`];
}

function notStruck(options: DemoOptions, { client, connections }: Lane, open: number): string[] {
  if (open === 0) return [`${client} had no connection when the fault began`];
  if (options.fault !== "flap" || connections.some(({ toServer }) => toServer.forwarded === flapBytes)) return [];
  return [
    `${client} sent less than ${count(flapBytes, "byte")} on its first connection after the outage, which was not reset then`,
  ];
}

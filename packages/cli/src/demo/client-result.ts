import type { NatsConnection } from "@nats-io/transport-node";
import { countsAgree } from "./account.ts";
import { msToDetect } from "./detection.ts";
import type { LaneEnd } from "./lane.ts";
import type { DemoOptions } from "./options.ts";
import { examine } from "./oracle.ts";
import { readStream } from "./read-stream.ts";
import type { ClientResult } from "./result.ts";

/** Reads the stream of a lane and puts together all that is known of its client. `nc` leads to the server directly. */
export async function clientResult(
  { lane, report }: LaneEnd,
  faultBeganMs: number,
  nc: NatsConnection,
  options: DemoOptions,
): Promise<ClientResult> {
  const { counts } = report;
  const { impossible, ...findings } = examine({
    attempted: report.attempted,
    refused: report.refused,
    handedBack: report.handedBack === null ? null : new Map(report.handedBack),
    stream: await readStream(nc, lane.stream, lane.format),
    receipts: report.handedBack === null ? null : (lane.receipts?.numbers() ?? []),
  });
  return {
    name: lane.client,
    version: report.version,
    delivery: lane.client === "holdfast" ? options.delivery : null,
    ...findings,
    confirmed: counts?.confirmed ?? null,
    resent: counts?.resent ?? null,
    msToDetect: msToDetect(faultBeganMs, report.disconnectsMs),
    inDoubtBytes: findings.inDoubt === null ? null : findings.inDoubt * frameBytes(lane.subject, options.size),
    impossible: impossible + report.unreadable,
    countsAgree: countsAgree(report),
    msPublishing: report.msPublishing,
    connections: lane.proxy.accepted,
    bytesToServer: lane.proxy.bytes.toServer,
    flush: report.flush,
    close: report.close,
    firstRefusal: report.firstRefusal,
    counts,
  };
}

/** `PUB <subject> <size>\r\n<payload>\r\n`: all messages of a lane have the same length. */
function frameBytes(subject: string, size: number): number {
  return `PUB ${subject} ${size}\r\n`.length + size + 2;
}

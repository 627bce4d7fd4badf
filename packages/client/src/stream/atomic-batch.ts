import { nuid } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../client/connection.ts";
import { copyHeaders } from "./headers.ts";
import type { BatchPart } from "./outstanding.ts";

/**
 * Publishes one copy of an atomic batch, under an id of its own: a server that has a part of an earlier copy forgets that after ten seconds.
 * The first message asks for an answer, because only there an error can come early, and the last, which commits. They belong to the
 * connection by their headers. Returns whether the connection has room for more. Throws what `nc.publish()` throws; then nothing is
 * stored, since the last one was not sent.
 */
export function publishBatch(nc: HoldfastConnection, parts: readonly BatchPart[], reply: string): boolean {
  const id = nuid.next();
  let hasRoom = true;
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    const headers = copyHeaders(part.headers);
    headers.set("Nats-Batch-Id", id);
    headers.set("Nats-Batch-Sequence", String(index + 1));
    if (isLast) headers.set("Nats-Batch-Commit", "1");
    const isAnswered = isLast || index === 0;
    hasRoom = nc.publish(part.subject, part.payload, { headers, ...(isAnswered ? { reply } : {}) });
  }
  return hasRoom;
}

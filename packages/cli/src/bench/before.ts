import { type HoldfastConnection, RequestError, TimeoutError } from "holdfast";
import { oneLine } from "../demo/time-limit.ts";
import type { ReqBenchOptions } from "./options.ts";

/** Throws when the server would end the connection for a message of this size. */
export function checkPayload(nc: HoldfastConnection, size: number): void {
  const most = nc.info?.max_payload ?? Number.POSITIVE_INFINITY;
  if (size > most) throw new Error(`--size ${size}: this server takes messages of at most ${most} bytes (its max_payload)`);
}

/** Whether somebody else answers, by one request; throws when somebody must and nobody does. */
export async function answersRequests(nc: HoldfastConnection, options: ReqBenchOptions): Promise<boolean> {
  const { subject, size, responds, server } = options;
  if (responds === "always") return false;
  try {
    await nc.request(subject, Buffer.alloc(size, "."), { timeout: server.timeoutMs });
    return true;
  } catch (error) {
    const isNobody = error instanceof RequestError && error.isNoResponders();
    if (isNobody && responds === "if nobody does") return false;
    if (isNobody)
      throw new Error(
        `nobody answers on ${JSON.stringify(subject)}: start \`holdfast reply ${subject} --echo\`, or leave out --no-responder`,
      );
    if (error instanceof TimeoutError)
      throw new Error(
        `somebody listens on ${JSON.stringify(subject)} and does not answer within ${server.timeoutMs} ms: raise --timeout`,
      );
    throw new Error(`cannot ask on ${JSON.stringify(subject)} (${oneLine(error)})`);
  }
}

import { type HoldfastConnection, type Msg, RequestError } from "holdfast";
import type { ServerSettings } from "../connection/server-options.ts";

/**
 * Rejects when the server says that no stream takes this subject: the publisher would look for one for a minute. When it cannot say
 * (no connection yet, no permission to ask) the publisher finds out.
 */
export async function checkStream(nc: HoldfastConnection, subject: string, server: ServerSettings): Promise<void> {
  if (!nc.outbound.usable) return;
  const api =
    server.jetStreamApiPrefix ?? (server.jetStreamDomain === undefined ? "$JS.API" : `$JS.${server.jetStreamDomain}.API`);
  let answer: Msg;
  try {
    answer = await nc.request(`${api}.STREAM.NAMES`, JSON.stringify({ subject }), { timeout: server.timeoutMs });
  } catch (error) {
    if (!(error instanceof RequestError && error.isNoResponders())) return;
    throw new Error(`--jetstream: there is no JetStream at ${api}: start nats-server with --jetstream, or check --context`);
  }
  if (hasStream(answer)) return;
  throw new Error(
    `--jetstream: no stream takes ${JSON.stringify(subject)}: make one with \`nats stream add\`, or check the subject`,
  );
}

function hasStream(answer: Msg): boolean {
  const said: unknown = answer.json();
  if (typeof said !== "object" || said === null || "error" in said) return true;
  return "streams" in said && Array.isArray(said.streams) && said.streams.length > 0;
}

import { connect, type HoldfastConnection, type HoldfastOptions } from "holdfast";
import { tell } from "../cli/terminal.ts";
import { oneLine } from "../demo/time-limit.ts";
import { connectOptions, shownServers } from "./connect-options.ts";
import type { ServerSettings } from "./server-options.ts";

/** A signal came while it was connecting. The dial cannot be called off and would keep the process: whoever catches this ends it. */
export class InterruptedError extends Error {
  override readonly name = "InterruptedError";
}

/** Connects. Rejects with one line that says what to do, or with `InterruptedError`. */
export async function openConnection(
  settings: ServerSettings,
  extra: HoldfastOptions,
  signal: AbortSignal,
): Promise<HoldfastConnection> {
  const connecting = connect({ ...connectOptions(settings), ...extra });
  const interrupted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(new InterruptedError());
    signal.addEventListener("abort", () => reject(new InterruptedError()), { once: true });
  });
  try {
    return await Promise.race([connecting, interrupted]);
  } catch (error) {
    throw error instanceof InterruptedError ? error : new Error(explain(settings, error));
  }
}

/**
 * Tells on standard error when the connection is lost and found again, and what is wrong with it, until it is closed. Returns a function
 * that tells what goes wrong otherwise, unless it was the last thing told.
 */
export function tellOfOutages(nc: HoldfastConnection, say: (line: string) => void = tell): (line: string) => void {
  // One outage fails at every dial in the same way.
  let before = "";
  const once = (line: string): void => {
    if (line !== before) say(line);
    before = line;
  };
  const follow = async (): Promise<void> => {
    for await (const status of nc.status()) {
      if (status.type === "disconnect") once(`holdfast: disconnected from ${status.server}; trying again`);
      else if (status.type === "reconnect") once(`holdfast: reconnected to ${status.server}`);
      else if (status.type === "error") once(`holdfast: ${oneLine(status.error)}`);
    }
  };
  // It ends with the connection; how that ended is told by whoever closed it.
  follow().catch(() => {});
  return once;
}

function explain(settings: ServerSettings, error: unknown): string {
  const reason = oneLine(error);
  const place = shownServers(settings);
  if (/\b(?:TLS|certificate)\b/i.test(reason))
    return `no secure connection to ${place} (${reason}): check --tlsca, --tlscert, --tlskey, --tlsfirst`;
  if (/\b(?:authorization|authentication)\b/i.test(reason))
    return `${place} refused the credentials (${reason}): check --user and --password, --token, --creds, --nkey, or the --context`;
  return `cannot connect to ${place} (${reason}): start a nats-server there, or name another with --server, NATS_URL or --context`;
}

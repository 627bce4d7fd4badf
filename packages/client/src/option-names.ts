import type { HoldfastOptions } from "./options.ts";

/** A record, so that the compiler finds a name that is missing here or unknown there. */
const known: Readonly<Record<keyof HoldfastOptions, true>> = {
  authenticator: true,
  backlogDelay: true,
  closeTimeout: true,
  debug: true,
  delivery: true,
  failRequestsOnDisconnect: true,
  fenceDelay: true,
  ignoreAuthErrorAbort: true,
  ignoreClusterUpdates: true,
  inboxPrefix: true,
  maxControlLine: true,
  maxInFlight: true,
  maxPingOut: true,
  maxQueued: true,
  maxReconnectAttempts: true,
  name: true,
  noAsyncTraces: true,
  noEcho: true,
  noRandomize: true,
  onUndelivered: true,
  pass: true,
  pedantic: true,
  pingInterval: true,
  port: true,
  reconnect: true,
  reconnectBuffer: true,
  reconnectDelayHandler: true,
  reconnectJitter: true,
  reconnectJitterTLS: true,
  reconnectTimeWait: true,
  reconnectToServer: true,
  resolve: true,
  retryOnFailedConnect: true,
  servers: true,
  stallTimeout: true,
  timeout: true,
  tls: true,
  token: true,
  user: true,
  verbose: true,
  waitOnFirstConnect: true,
};

/** The name of every option that `connect()` knows. */
export const optionNames: readonly string[] = Object.keys(known);

/** How far a name may be from a known one and still be taken for a slip of the pen. */
const MAX_EDITS = 2;

/** More slips than this are not listed in the warning. */
const MAX_LISTED = 5;

/** Once a process: options are often built once and used for many connections. */
let warned = false;

/**
 * Warns, once a process, when a name that will be ignored looks like a known one. nats.js ignores unknown options, and so programs
 * pass all sorts of objects; only a likely slip is worth a line on standard error.
 */
export function warnOfMisspelt(names: readonly string[]): void {
  if (warned) {
    return;
  }
  const slips = names.flatMap((name) => {
    const meant = nearestOption(name);
    return meant === undefined ? [] : [`'${name}' (did you mean '${meant}'?)`];
  });
  if (slips.length > 0) {
    warned = true;
    const message = `connect() ignores unknown options: ${slips.slice(0, MAX_LISTED).join(", ")}`;
    process.emitWarning(message, { code: "HOLDFAST_UNKNOWN_OPTION" });
  }
}

/** The known option that an unknown name is within two edits of, the nearest one; `undefined` for a known name, or when none is near. */
export function nearestOption(name: string): string | undefined {
  for (let edits = 0; edits <= MAX_EDITS; edits += 1) {
    const found = optionNames.find((option) => isWithinEdits(edits, name, option));
    if (found !== undefined) {
      return edits === 0 ? undefined : found;
    }
  }
  return undefined;
}

/**
 * Whether `edits` insertions, deletions and replacements of one character, or fewer, turn `a` into `b`. Skipping what both begin with
 * loses nothing, and so at most 3^edits branches are looked at.
 */
export function isWithinEdits(edits: number, a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > edits) {
    return false; // also keeps a name of a million characters from being compared
  }
  let same = 0;
  while (same < a.length && a[same] === b[same]) {
    same += 1;
  }
  const restA = a.slice(same);
  const restB = b.slice(same);
  if (restA === restB || edits === 0) {
    return restA === restB;
  }
  return (
    isWithinEdits(edits - 1, restA.slice(1), restB) ||
    isWithinEdits(edits - 1, restA, restB.slice(1)) ||
    isWithinEdits(edits - 1, restA.slice(1), restB.slice(1))
  );
}

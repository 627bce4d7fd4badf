import { exitCodes } from "../cli/exit-codes.ts";
import { startProgressLine } from "../cli/progress-line.ts";
import { print, tell } from "../cli/terminal.ts";
import { shownServers } from "../connection/connect-options.ts";
import { openConnection } from "../connection/open.ts";
import type { CleanUp } from "../demo/clean-up.ts";
import { count, seconds } from "../demo/format.ts";
import { answersRequests, checkPayload } from "./before.ts";
import type { RoundLimit } from "./messages.ts";
import type { RateBenchOptions } from "./options.ts";
import { claimFile } from "./output-file.ts";
import { csvOf, type RateResult, rateObject, rateTable, type SideResult } from "./rate-report.ts";
import { type Side, startSides } from "./rate-sides.ts";

/** The largest warm-up: enough for V8's compiler. What is measured is not the first second of a process. */
const mostWarmUp = 20_000;

/** One run of `bench pub`, `bench sub` or `bench req`; resolves with its exit code. */
export async function runRates(options: RateBenchOptions, cleanUp: CleanUp, interrupted: AbortSignal): Promise<number> {
  const csv = options.csv === null ? null : claimFile("--csv", options.csv);
  const { responds, serverVersion } = await lookAhead(options, interrupted);
  tell(announcement(options, responds));
  const sides = await startSides(options, responds, cleanUp);
  const result: RateResult = { options, responds, serverVersion, sides: await measure(options, sides) };
  csv?.(csvOf(result));
  if (options.json) await print(`${JSON.stringify(rateObject(result))}\n`);
  else await print(`${rateTable(result)}\n`);
  const isWhole = result.sides.every(({ rounds }) => rounds.every(({ messages, done }) => done === messages));
  return isWhole ? exitCodes.done : exitCodes.notDone;
}

/** A connection before the first process: its errors are told in one line, and it knows the server's limits. */
async function lookAhead(
  options: RateBenchOptions,
  interrupted: AbortSignal,
): Promise<{ readonly responds: boolean; readonly serverVersion: string }> {
  const nc = await openConnection(options.server, {}, interrupted);
  try {
    checkPayload(nc, options.size);
    const responds = options.kind === "req" && !(await answersRequests(nc, options));
    return { responds, serverVersion: nc.info?.version ?? "" };
  } finally {
    await nc.close();
  }
}

async function measure(options: RateBenchOptions, sides: readonly Side[]): Promise<readonly SideResult[]> {
  const results = sides.map(({ client, version }): SideResult & { rounds: unknown[] } => ({ client, version, rounds: [] }));
  const limit: RoundLimit = { messages: options.msgs, ms: options.durationMs };
  const now = { name: "", round: 0, done: 0, begin: 0, before: 0 };
  const all = options.rounds * sides.length;
  const progress = startProgressLine(options.progress, () => {
    const part = partOf(limit, now.done, performance.now() - now.begin);
    const rate = (now.done * 1000) / Math.max(1, performance.now() - now.begin);
    const round = now.round === 0 ? "warming up" : `round ${now.round} of ${options.rounds}`;
    const phrases = [...(all > 1 ? [round, now.name] : []), done(limit, now.done), `${count(Math.round(rate))}/s`];
    return { fraction: Math.min(1, (now.before + part) / all), phrases, short: phrases.slice(-2) };
  });
  try {
    for (let round = hasWarmUp(options) ? 0 : 1; round <= options.rounds; round++) {
      // Not always the same one first: it would find the machine as the other one never does.
      const order = round % 2 === 1 ? sides : sides.toReversed();
      for (const side of order) {
        Object.assign(now, { name: side.client, round, done: 0, begin: performance.now() });
        const measured = await side.round(round === 0 ? warmUp(limit) : limit, (n) => {
          now.done = n;
        });
        if (round === 0) continue;
        now.before += 1;
        results.find(({ client }) => client === side.client)?.rounds.push(measured);
      }
    }
    return results;
  } finally {
    progress.stop();
  }
}

/** Not where somebody else publishes: those are counted from the first on. */
function hasWarmUp(options: RateBenchOptions): boolean {
  return options.kind !== "sub" || options.publishes;
}

function warmUp({ messages, ms }: RoundLimit): RoundLimit {
  return { messages: Math.max(1, Math.min(mostWarmUp, Math.ceil(messages / 10))), ms };
}

function partOf({ messages, ms }: RoundLimit, done: number, elapsed: number): number {
  return Math.min(1, Math.max(done / messages, elapsed / ms));
}

function done({ messages }: RoundLimit, n: number): string {
  return messages === Number.POSITIVE_INFINITY ? count(n) : `${count(n)} of ${count(messages)}`;
}

/** What will happen, in one line. */
function announcement(options: RateBenchOptions, responds: boolean): string {
  const { kind, msgs, size, durationMs, clients, rounds, subject, natsJs } = options;
  const noun = kind === "req" ? "request" : "message";
  const isCounted = msgs !== Number.POSITIVE_INFINITY;
  const most = durationMs === Number.POSITIVE_INFINITY ? "" : ` for ${isCounted ? "at most " : ""}${seconds(durationMs)}`;
  const parts = [
    `${rounds === 1 ? "" : `${count(rounds)} rounds${natsJs === null ? "" : " each"} of `}`,
    `${isCounted ? count(msgs, noun) : `${noun}s`} of ${size} bytes${most}`,
    ` ${kind === "sub" ? "on" : "to"} ${subject}, ${shownServers(options.server)}, ${count(clients, "connection")}`,
    kind === "req" ? `, ${count(options.outstanding)} at a time${responds ? "" : ", answered by somebody else"}` : "",
    hasWarmUp(options) ? "; a short round goes before" : "",
    kind === "sub" && !options.publishes ? "; waiting for them to be published" : "",
    natsJs === null ? "" : "; Holdfast and nats.js in turn",
  ];
  return `holdfast: ${parts.join("")}`;
}

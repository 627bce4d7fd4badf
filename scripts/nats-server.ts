/**
 * Finds or makes a nats-server for tests and the demo, in this order: `$NATS_SERVER`; the pinned release in the user's cache; a server
 * on `PATH` that is new enough; the pinned release built by Go; what else is at hand; Debian's package. In CI only the pinned release
 * counts. Run directly it prints the path on standard output and everything else on standard error.
 */
import { noServer } from "./nats-server/advice.ts";
import { fromDebian } from "./nats-server/debian.ts";
import { fromGo } from "./nats-server/go.ts";
import { anyFromCache, fromEnvironment, fromPath, pinnedFromCache } from "./nats-server/present.ts";
import type { NatsServerBinary, Source, Step, StepContext } from "./nats-server/step.ts";
import { ENOUGH, PINNED, WANTED } from "./nats-server/version.ts";
import { fail, isMain } from "./shared/main.ts";

export type { NatsServerBinary } from "./nats-server/step.ts";

/** Options of `obtainNatsServer()`. */
export interface ObtainOptions {
  /** Environment variables: `NATS_SERVER`, `XDG_CACHE_HOME`, `PATH`, `CI`, `HOLDFAST_ANY_NATS_SERVER`. Default: the process's. */
  readonly env?: NodeJS.ProcessEnv;
  /** Takes lines for the user. Default: standard error. */
  readonly say?: (line: string) => void;
}

const ORIGIN: Record<Source, string> = {
  environment: "from NATS_SERVER",
  cache: "from the cache",
  path: "from PATH",
  go: "built by Go",
  debian: "from the distribution's package",
};

/** With every version allowed: first what is good enough for all tests, then what is enough for the demo. */
const STEPS: readonly Step[] = [pinnedFromCache, fromPath(WANTED), fromGo, fromPath(ENOUGH), anyFromCache, fromDebian];

/** In CI. */
const PINNED_STEPS: readonly Step[] = [pinnedFromCache, fromPath(WANTED), fromGo];

/** Returns a server that runs, and says which. Rejects with what to install when there is none. */
export async function obtainNatsServer(options: ObtainOptions = {}): Promise<NatsServerBinary> {
  const { env = process.env, say = (line: string) => process.stderr.write(`${line}\n`) } = options;
  const server = (await fromEnvironment(env)) ?? (await firstOf({ env, say }));
  if (pinnedOnly(env) && server.version !== PINNED) {
    throw new Error(`CI wants nats-server ${PINNED}, NATS_SERVER is ${server.version}. HOLDFAST_ANY_NATS_SERVER=1 allows it.`);
  }
  say(`nats-server ${server.version} ${ORIGIN[server.source]}: ${server.path}`);
  return server;
}

async function firstOf(context: StepContext): Promise<NatsServerBinary> {
  const onlyPinned = pinnedOnly(context.env);
  const reasons = ["NATS_SERVER is not set"];
  for (const step of onlyPinned ? PINNED_STEPS : STEPS) {
    const result = await attempt(step, context);
    if ("path" in result && !(onlyPinned && result.version !== PINNED)) return result;
    reasons.push("path" in result ? `${result.path} is ${result.version}, not ${PINNED}` : result.reason);
  }
  throw noServer([...new Set(reasons)], onlyPinned);
}

/** A step that cannot write to the cache, say, is one that leads nowhere; the next may. */
async function attempt(step: Step, context: StepContext): ReturnType<Step> {
  try {
    return await step(context);
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

function pinnedOnly(env: NodeJS.ProcessEnv): boolean {
  const inCi = !["", "0", "false"].includes(env.CI ?? "");
  return inCi && env.HOLDFAST_ANY_NATS_SERVER !== "1";
}

if (isMain(import.meta.url)) {
  try {
    const server = await obtainNatsServer();
    process.stdout.write(`${server.path}\n`);
  } catch (error) {
    fail(error);
  }
}

/**
 * Runs examples of the official documentation, one after the other, for `modules-examples.test.ts`:
 * `modules-examples-program.ts <client> <server> <monitoring port> <folder>`. The folder has a list.json of `{ key, file }`. What each of
 * them did comes as JSON on standard output.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { format } from "node:util";
import * as jetstreamModule from "@nats-io/jetstream";
import * as kvModule from "@nats-io/kv";
import * as objModule from "@nats-io/obj";
import * as servicesModule from "@nats-io/services";
import * as official from "@nats-io/transport-node";
import * as holdfast from "../../src/index.ts";
import { startFaultProxy } from "../../src/testing/index.ts";
import { readMonitor } from "../../src/testing/monitor.ts";
import { commonNames, type Plan, plans, type World } from "./modules-examples-plans.ts";
import { pause } from "./peers-harness.ts";

/** What an example did. */
export interface Outcome {
  readonly key: string;
  /** How it ended: "by itself", "with its connection" (and what that made it throw), "goes on", or what it threw. */
  readonly ended: string;
  /** What it printed. */
  readonly lines: readonly string[];
  /** Its streams and how many messages they have. */
  readonly streams: readonly string[];
  /** What nobody caught. */
  readonly unhandled: readonly string[];
}

const [name = "", server = "", monitoring = "", folder = ""] = process.argv.slice(2);
const client = name === "holdfast" ? holdfast : official;
/** What the example that runs has printed. One that goes on keeps its own, by what it awaits. */
let current: string[] = [];
const own = new AsyncLocalStorage<string[]>();
let unhandled: string[] = [];

const print = (...args: readonly unknown[]): void => void (own.getStore() ?? current).push(format(...args));
Object.assign(globalThis.console, { log: print, info: print, error: print, warn: print });
process.on("unhandledRejection", (reason) => void unhandled.push(describe(reason)));
for (const names of [jetstreamModule, kvModule, objModule, servicesModule, client, commonNames]) Object.assign(globalThis, names);

const list: readonly { readonly key: string; readonly file: string }[] = JSON.parse(
  readFileSync(join(folder, "list.json"), "utf8"),
);
const outcomes: Outcome[] = [];
for (const { key, file } of list) outcomes.push(await runExample(key, join(folder, file)));
// Some go on for ever.
process.stdout.write(JSON.stringify(outcomes), () => process.exit(0));

async function runExample(key: string, file: string): Promise<Outcome> {
  const plan = plans[key] ?? {};
  const proxy = await startFaultProxy({ upstream: server });
  const reader = await official.connect({ servers: server });
  const nc = await client.connect({ servers: server });
  const manager = await jetstreamModule.jetstreamManager(reader);
  for await (const { config } of manager.streams.list()) await manager.streams.delete(config.name);
  const lines: string[] = [];
  current = lines;
  unhandled = [];
  const world: World = {
    nc,
    reader,
    proxy,
    proxied: `127.0.0.1:${proxy.port}`,
    printed: (count) => until(`${key} has printed ${count} lines, of which it has ${lines.length}`, () => lines.length >= count),
    subscribed: (subject) => until(`${key} has subscribed to ${subject}`, () => isSubscribed(subject)),
  };
  const js = jetstreamModule.jetstream(nc);
  Object.assign(globalThis, { nc, js, require: createRequire(file) }, await plan.given?.(world));
  const running = own.run(lines, () => import(pathToFileURL(file).href)).then(() => "by itself", describe);
  const outcome = { key, ended: await run(plan, world, running), lines: [...lines] };
  const streams: string[] = [];
  for await (const { config, state } of manager.streams.list()) streams.push(`${config.name} ${state.messages}`);
  // Late rejections are its own.
  await nc.close();
  await reader.close();
  await pause(20);
  await proxy.stop();
  return { ...outcome, streams: streams.sort(), unhandled };
}

/** Returns how the example ended. */
async function run(plan: Plan, world: World, running: Promise<string>): Promise<string> {
  let closing = false;
  const failed = running.then((ended) => (ended === "by itself" || closing ? new Promise<string>(() => {}) : ended));
  const through = async (): Promise<string> => {
    await plan.reader?.(world);
    await world.printed(plan.lines ?? 0);
    if (plan.end === "nothing") return "goes on";
    if (plan.end !== "close") return running;
    closing = true;
    await world.nc.close();
    const ended = await running;
    return ended === "by itself" ? "with its connection" : `with its connection: ${ended}`;
  };
  return Promise.race([through().catch(describe), failed, pause(30_000).then(() => "not at all")]);
}

async function isSubscribed(subject: string): Promise<boolean> {
  const report = await readMonitor("127.0.0.1", Number(monitoring), "/connz?subs=1");
  return JSON.stringify(report).includes(JSON.stringify(subject));
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within 20 s: ${what}`);
    await pause(10);
  }
}

function describe(reason: unknown): string {
  return String(reason);
}

/**
 * Runs the snippets of the pages one after the other, for docs-snippets.test.ts: `docs-snippets-program.ts <folder>`, where the folder has a list.json of
 * `{ key, file }`. What each of them did comes as JSON on standard output.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { format } from "node:util";
import { type Plan, plans } from "./docs-snippets-plans.ts";

/** What a snippet did. */
export interface Outcome {
  readonly key: string;
  /** What it threw; undefined: it came to its end. */
  readonly threw?: string;
  readonly printed: readonly string[];
}

const LIMIT_MS = 15_000;

const [folder = ""] = process.argv.slice(2);
const list: readonly { readonly key: string; readonly file: string }[] = JSON.parse(
  readFileSync(join(folder, "list.json"), "utf8"),
);
/** What a snippet prints is its own by what it awaits: some go on while the next ones run. */
const own = new AsyncLocalStorage<string[]>();
const print = (...args: readonly unknown[]): void => void own.getStore()?.push(format(...args));
Object.assign(globalThis.console, { log: print, error: print });

const given: typeof import("./docs-snippets-given.ts") = await import(pathToFileURL(join(folder, "given.mts")).href);
const outcomes: Outcome[] = [];
for (const { key, file } of list) {
  const printed: string[] = [];
  const threw = await Promise.race([own.run(printed, run, join(folder, file), plans[key] ?? {}, printed), limit()]);
  outcomes.push({ key, printed, ...(threw === undefined ? {} : { threw }) });
}
// Some leave a connection open.
process.stdout.write(JSON.stringify(outcomes), () => process.exit(0));

/** So that the test can say which one it was. */
function limit(): Promise<string> {
  return new Promise((resolve) => setTimeout(resolve, LIMIT_MS, `no end after ${LIMIT_MS} ms`));
}

async function run(file: string, plan: Plan, printed: readonly string[]): Promise<string | undefined> {
  try {
    const running = import(pathToFileURL(file).href);
    if (plan.meanwhile === "reconnect") await pressUntil(running, () => given.nc.reconnect());
    await running;
    if (plan.meanwhile === "SIGTERM") await pressUntil(lines(plan, printed), async () => void process.emit("SIGTERM"));
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** Does it, again and again, until `done` has settled: the snippet may not listen yet. */
async function pressUntil(done: Promise<unknown>, press: () => Promise<unknown>): Promise<void> {
  let settled = false;
  const over = done.finally(() => {
    settled = true;
  });
  while (!settled) {
    await press();
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 50))]);
  }
}

/** As many lines as are due are printed. */
async function lines({ prints = [] }: Plan, printed: readonly string[]): Promise<void> {
  while (printed.length < prints.length) await new Promise((resolve) => setTimeout(resolve, 10));
}

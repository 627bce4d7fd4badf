/**
 * `npm test`: lists the test files itself (Node 20 cannot be trusted to find them), gets one nats-server for all of them, and hands them
 * to one run of Node's test runner, whose summary ends the output.
 *
 *   npm test                            all tests
 *   npm test -- outbound/log parser     the files with one of these in their path
 *   npm test -- --test-only             options with a hyphen go to the runner (write --name=value)
 *   npm run soak                        the *.soak.test.ts files, one after the other
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { obtainNatsServer } from "./nats-server.ts";
import { fail, isMain } from "./shared/main.ts";
import { root, runFromSource } from "./shared/node.ts";

const LIMIT_MS = 120_000;
const SOAK_LIMIT_MS = 6 * 3_600_000;

/** The test files below `folder` that are to run, relative to it, sorted. No filter means all. */
export function testFiles(folder: string, soak: boolean, filters: readonly string[]): string[] {
  const workspaces = readdirSync(join(folder, "packages")).map((name) => `packages/${name}/test`);
  return [...workspaces, "test"]
    .flatMap((place) => filesBelow(folder, place))
    .filter((file) => file.endsWith(".test.ts") && file.endsWith(".soak.test.ts") === soak)
    .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
    .sort();
}

function filesBelow(folder: string, place: string): string[] {
  try {
    return readdirSync(join(folder, place), { recursive: true, encoding: "utf8" }).map(
      (file) => `${place}/${file.replaceAll("\\", "/")}`,
    );
  } catch {
    return []; // A package without tests.
  }
}

async function main(args: readonly string[]): Promise<void> {
  const soak = args.includes("--soak");
  const options = args.filter((arg) => arg.startsWith("-") && arg !== "--soak");
  const filters = args.filter((arg) => !arg.startsWith("-")).map((filter) => filter.replace(/^\.\//, ""));
  const files = testFiles(root, soak, filters);
  // Node would end such a run with exit code 0.
  if (files.length === 0)
    throw new Error(`No ${soak ? "soak " : ""}test file has one of these in its path: ${filters.join(", ") || "(no filter)"}.`);
  const server = await obtainNatsServer();
  const [limit, concurrency] = soak ? [SOAK_LIMIT_MS, 1] : [LIMIT_MS, 2];
  const runner = ["--test", "--test-reporter=spec", `--test-timeout=${limit}`, `--test-concurrency=${concurrency}`];
  process.exitCode = await runFromSource([...runner, ...options, ...files], { ...process.env, NATS_SERVER: server.path });
}

if (isMain(import.meta.url)) await main(process.argv.slice(2)).catch(fail);

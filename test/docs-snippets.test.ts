/**
 * Every block of TypeScript in README.md and in the pages of the guide is compiled with the strictest options, and run against a real server: tests among them by
 * the test runner in one process, all others in another. Nothing of them is kept here.
 */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "holdfast";
import { type NatsServer, serverVersionAtLeast, startNatsServer } from "holdfast/testing";
import ts from "typescript";
import { root } from "../scripts/shared/node.ts";
import { run } from "../scripts/shared/run.ts";
import { type Snippet, snippets } from "./docs-snippets.ts";
import { plans } from "./docs-snippets-plans.ts";
import type { Outcome } from "./docs-snippets-program.ts";

let folder = "";
let server: NatsServer;
let all: Snippet[] = [];

before(async () => {
  server = await startNatsServer({ jetStream: true });
  await using nc = await connect({ servers: server.url });
  const batches = serverVersionAtLeast(server.version, "2.12.0") ? { allow_atomic: true } : {};
  await (await jetstreamManager(nc)).streams.add({ name: "ORDERS", subjects: ["orders.>", "accounts.>"], ...batches });
  // Inside of the workspace, so that packages are found.
  const cache = join(root, "node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, "docs-"));
  all = snippets(root, server.url);
  for (const [index, { code }] of all.entries()) writeFileSync(join(folder, fileOf(index)), code);
  cpSync(join(root, "test/docs-snippets-given.ts"), join(folder, "given.mts"));
});

after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await server?.stop();
});

test("every snippet of README and guide compiles", () => {
  const { config } = ts.readConfigFile(join(root, "tsconfig.check.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root);
  const files = all.map((_, index) => join(folder, fileOf(index)));
  // Unused names: a snippet shows what one gets.
  const program = ts.createProgram(files, { ...options, noUnusedLocals: false, noUnusedParameters: false });
  const problems = files.flatMap((file, index) => {
    const source = program.getSourceFile(file);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(({ messageText }) => `${all[index]?.key}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`);
  });
  assert.deepEqual(problems, []);
});

test("every snippet of README and guide runs to its end and prints what it should", async () => {
  const list = all.flatMap(({ key, isTest }, index) => (isTest || !isKnown(key) ? [] : [{ key, file: fileOf(index) }]));
  assert.ok(list.length >= 18, `${list.length} snippets`);
  writeFileSync(join(folder, "list.json"), JSON.stringify(list));
  const outcomes: Outcome[] = JSON.parse(await output(["test/docs-snippets-program.ts", folder]));
  assert.deepEqual(
    outcomes.map(({ key }) => key),
    list.map(({ key }) => key),
  );
  for (const { key, threw, printed } of outcomes) {
    assert.equal(threw, undefined, `${key} threw`);
    const { printsSome, prints = [] } = plans[key] ?? {};
    const due = printsSome === undefined ? prints : Array<RegExp>(Math.max(1, printed.length)).fill(printsSome);
    assert.equal(printed.length, due.length, `${key} printed:\n${printed.join("\n")}`);
    for (const [line, pattern] of due.entries()) assert.match(printed[line] ?? "", pattern, key);
  }
  const keys = new Set(all.map(({ key }) => key));
  assert.deepEqual(
    Object.keys(plans).filter((key) => !keys.has(key)),
    [],
  );
});

test("the tests that the guide shows pass", async () => {
  const files = all.flatMap(({ isTest }, index) => (isTest ? [`./${fileOf(index)}`] : []));
  assert.equal(files.length, 2);
  const main = join(folder, "tests.mts");
  writeFileSync(main, files.map((file) => `import "${file}";\n`).join(""));
  const report = await output(["--test-reporter=tap", main]);
  assert.match(report, /^# pass 2$/m, report);
});

/** Whether the server has what it shows. */
function isKnown(key: string): boolean {
  return serverVersionAtLeast(server.version, plans[key]?.needs ?? "2.9.0");
}

function fileOf(index: number): string {
  return `snippet-${index}.mts`;
}

async function output(args: readonly string[]): Promise<string> {
  // The variable of the runner that this is a part of would make the program speak to it.
  const { NODE_TEST_CONTEXT: _, ...outer } = process.env;
  const env = { ...outer, SNIPPETS_SERVER: server.url };
  const command = ["--conditions=source", "--import", "tsx", ...args];
  const { ok, stdout, problem } = await run(process.execPath, command, { env, timeoutMs: 60_000, cwd: root });
  assert.ok(ok, `${problem}\n${stdout}`);
  return stdout;
}

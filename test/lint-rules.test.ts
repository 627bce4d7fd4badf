import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { after, before, test } from "node:test";
import { root } from "../scripts/shared/node.ts";

// Biome runs on a copy: a workspace with our biome.json and only the files that a test needs. Each offence lies in a file of its own, and
// one run judges all of them.
const copy = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-lint-")));
const offences = new Map<string, { readonly code: string; readonly rule: string }>();
const allowed = new Map<string, string>();
let verdicts: ReadonlyMap<string, readonly string[]> = new Map();

const CLIENT = "packages/client/src";
const PURE = ["bytes", "protocol", "outbound", "inbound", "session", "stream"];
const TARGETS = ["bytes", "protocol", "outbound", "inbound", "session", "transport", "client", "stream", "testing", "otel"];
const NC = "@nats-io/nats-core";

/** What each folder may import beside its own files: the table in CONTRIBUTING.md, said a second time. */
const MAY: Record<string, readonly string[]> = {
  bytes: [],
  protocol: ["bytes", "errors.ts", NC],
  outbound: ["bytes", "protocol", "runtime.ts", "errors.ts", "options.ts", NC],
  inbound: ["bytes", "protocol", "runtime.ts", "errors.ts", NC],
  session: ["bytes", "protocol", "transport/transport.ts", "runtime.ts", "errors.ts", "options.ts", NC],
  transport: ["runtime.ts", "errors.ts", NC, "node:"],
  client: [
    "bytes",
    "protocol",
    "outbound",
    "inbound",
    "session",
    "transport/transport.ts",
    "runtime.ts",
    "errors.ts",
    "options.ts",
    NC,
  ],
  stream: ["runtime.ts", "errors.ts", "options.ts", NC],
  testing: ["transport/transport.ts", "transport", "protocol", "runtime.ts", "errors.ts", "node:"],
  otel: [NC, "@opentelemetry/api"],
};

const IMPORTS = "lint/style/noRestrictedImports";
const GLOBALS = "lint/style/noRestrictedGlobals";

function offence(path: string, code: string, rule: string): void {
  offences.set(path, { code, rule });
}

for (const [folder, may] of Object.entries(MAY)) {
  const modules = [
    ...TARGETS.filter((target) => target !== folder).map((target) => [target, `../${target}/thing.ts`] as const),
    ["transport/transport.ts", folder === "transport" ? "./transport.ts" : "../transport/transport.ts"] as const,
    ...["runtime.ts", "errors.ts", "options.ts", "index.ts"].map((file) => [file, `../${file}`] as const),
    ["node:", "node:net"] as const,
    ["node:", "node:fs/promises"] as const,
    [NC, NC] as const,
    [`${NC}/internal`, `${NC}/internal`] as const,
    ["@opentelemetry/api", "@opentelemetry/api"] as const,
    ["holdfast", "holdfast"] as const,
    ["fs", "fs"] as const,
    ["outside", "../../test/helpers.ts"] as const,
  ];
  for (const [index, [name, module]] of modules.entries()) {
    const path = `${CLIENT}/${folder}/import-${index}.ts`;
    const code = `import * as other from ${JSON.stringify(module)};\nexport const use: unknown = other;\n`;
    const isOwn = module.startsWith("./");
    if (isOwn || may.includes(name)) allowed.set(path, code);
    else offence(path, code, IMPORTS);
  }
  const forbidden = folder === "session" ? "../client/thing.ts" : "../session/thing.ts";
  if (folder !== "client") {
    offence(
      `${CLIENT}/${folder}/type.ts`,
      `import type { thing } from "${forbidden}";\nexport type Use = typeof thing;\n`,
      IMPORTS,
    );
    offence(`${CLIENT}/${folder}/reexport.ts`, `export { thing } from "${forbidden}";\n`, IMPORTS);
    offence(`${CLIENT}/${folder}/star.ts`, `export * from "${forbidden}";\n`, IMPORTS);
    offence(`${CLIENT}/${folder}/dynamic.ts`, `export const use: Promise<unknown> = import("${forbidden}");\n`, IMPORTS);
  }
  allowed.set(`${CLIENT}/${folder}/own.ts`, `import { thing } from "./thing.ts";\nexport const use: unknown = thing;\n`);
  // The override of a folder must not switch off the rules for all.
  offence(
    `${CLIENT}/${folder}/nonnull.ts`,
    "export const f = (x: string | undefined): string => x!;\n",
    "lint/style/noNonNullAssertion",
  );
  offence(`${CLIENT}/${folder}/any.ts`, "export const f = (x: any): unknown => x;\n", "lint/suspicious/noExplicitAny");
  offence(`${CLIENT}/${folder}/console.ts`, 'export const f = (): void => console.log("x");\n', "lint/suspicious/noConsole");
  offence(
    `${CLIENT}/${folder}/floating.ts`,
    "async function work(): Promise<void> {}\nexport function f(): void {\n  work();\n}\n",
    "lint/nursery/noFloatingPromises",
  );
}

for (const folder of PURE) {
  const uses = [
    "Date.now()",
    "new Date()",
    "performance.now()",
    "setTimeout(() => {}, 1)",
    "setInterval(() => {}, 1)",
    "setImmediate(() => {})",
    "queueMicrotask(() => {})",
    "process.hrtime()",
    "crypto.randomUUID()",
    'globalThis["setTimeout"]',
    'fetch("http://localhost")',
  ];
  for (const [index, use] of uses.entries())
    offence(`${CLIENT}/${folder}/global-${index}.ts`, `export const use: unknown = ${use};\n`, GLOBALS);
  const buffer = "export const use: unknown = Buffer.alloc(1);\n";
  if (folder === "bytes" || folder === "protocol") allowed.set(`${CLIENT}/${folder}/buffer.ts`, buffer);
  else offence(`${CLIENT}/${folder}/buffer.ts`, buffer, GLOBALS);
}

const cycleType = (other: string): string =>
  `import type { A } from "./${other}.ts";\nexport type A = { next: A } | null;\nexport type B = A;\n`;
offence(`${CLIENT}/bytes/cycle-a.ts`, cycleType("cycle-b"), "lint/suspicious/noImportCycles");
offence(`${CLIENT}/bytes/cycle-b.ts`, cycleType("cycle-a"), "lint/suspicious/noImportCycles");
for (const folder of ["stream", "otel"])
  allowed.set(
    `${CLIENT}/${folder}/connection.ts`,
    'import type { thing } from "../client/connection.ts";\nexport type Use = typeof thing;\n',
  );
offence(`${CLIENT}/runtime.ts`, 'import "./errors.ts";\n', IMPORTS);
offence(`${CLIENT}/errors.ts`, 'import "./runtime.ts";\n', IMPORTS);
offence(`${CLIENT}/options.ts`, 'import "./session/thing.ts";\n', IMPORTS);
offence(`${CLIENT}/resolve-options.ts`, 'import "./transport/tcp.ts";\n', IMPORTS);
allowed.set(`${CLIENT}/option-tls.ts`, 'import type { Link } from "./transport/transport.ts";\nexport type Use = Link;\n');
offence(`${CLIENT}/index.ts`, 'import "./testing/thing.ts";\n', IMPORTS);
offence("packages/cli/src/inside.ts", 'import "../../client/src/index.ts";\n', IMPORTS);
offence("examples/inside.ts", 'import "../packages/client/src/index.ts";\n', IMPORTS);
offence("packages/client/test/bytes/console.test.ts", 'console.log("x");\n', "lint/suspicious/noConsole");
for (const place of ["packages/cli/src", "scripts", "bench", "examples"])
  allowed.set(`${place}/console.ts`, 'console.log("x");\n');
allowed.set("packages/cli/src/library.ts", 'import { connect } from "holdfast";\nexport const use: unknown = connect;\n');

before(() => {
  cpSync(join(root, "biome.json"), join(copy, "biome.json"));
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "junction");
  writeFileSync(join(copy, ".gitignore"), "node_modules/\n");
  for (const [path, code] of [...allowed, ...[...offences].map(([path, { code }]) => [path, code] as const)]) put(path, code);
  for (const target of TARGETS) put(`${CLIENT}/${target}/thing.ts`, "export const thing = 1;\n");
  verdicts = judge();
});

after(() => rmSync(copy, { recursive: true, force: true }));

function put(path: string, code: string): void {
  mkdirSync(dirname(join(copy, path)), { recursive: true });
  writeFileSync(join(copy, path), code);
}

/** The rules that Biome found broken, for each file. */
function judge(): ReadonlyMap<string, readonly string[]> {
  const biome = join(root, "node_modules", "@biomejs", "biome", "bin", "biome");
  const args = [biome, "lint", "--reporter=github", "--max-diagnostics=none", "--diagnostic-level=error", "."];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: copy, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  const found = [...stdout.matchAll(/^::error title=([^,]+),file=([^,]+),/gm)];
  assert.notEqual(found.length, 0, `Biome found nothing at all:\n${stdout}\n${stderr}`);
  const broken = new Map<string, string[]>();
  for (const [, rule = "", absolute = ""] of found) {
    const path = relative(copy, absolute).replaceAll("\\", "/");
    broken.set(path, [...(broken.get(path) ?? []), rule]);
  }
  return broken;
}

test("every offence in every folder is caught by the rule that is meant to catch it", () => {
  const missed = [...offences].filter(([path, { rule }]) => !verdicts.get(path)?.includes(rule));
  assert.deepEqual(missed, []);
});

test("what a folder may import or use is not reported", () => {
  const reported = [...allowed.keys()].filter((path) => verdicts.has(path)).map((path) => [path, verdicts.get(path)]);
  assert.deepEqual(reported, []);
});

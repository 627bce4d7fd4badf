import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { checkLayout, type LayoutReport } from "../scripts/layout.ts";

let root = "";

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-layout-")));
  put("LICENSE", "licence\n");
  put("packages/client/LICENSE", "licence\n");
  put("packages/client/src/outbound/log.ts", "export const log = 1;\n");
  const override = (pattern: string): object => ({
    includes: [pattern],
    linter: { rules: { style: { noRestrictedImports: {} } } },
  });
  const rooms = ["bytes/**", "outbound/**", "transport/**", "option*.ts"].map((room) => override(`packages/client/src/${room}`));
  put(
    "biome.json",
    JSON.stringify({ overrides: [{ includes: ["scripts/**"], linter: { rules: { suspicious: {} } } }, ...rooms] }),
  );
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function check(): LayoutReport {
  return checkLayout(root);
}

test("a workspace in order has no problems, and its sizes are told", () => {
  put("packages/client/src/outbound/one.ts", "// 1\n".repeat(10));
  put("packages/client/src/outbound/two.ts", "// 1\n".repeat(300));
  const report = check();
  assert.deepEqual(report.problems, []);
  assert.deepEqual(report.sizes, ["packages/client/src: 3 files, 311 lines, median 10, largest 300 (outbound/two.ts)"]);
});

test("a source file of 301 lines is too long, a test of 301 lines is not", () => {
  put("packages/client/src/outbound/big.ts", "// 1\n".repeat(301));
  put("packages/client/test/outbound/big.test.ts", "// 1\n".repeat(301));
  put("scripts/big.ts", "// 1\n".repeat(301));
  assert.deepEqual(check().problems, [
    "packages/client/src/outbound/big.ts: 301 lines, 300 are allowed: split it",
    "scripts/big.ts: 301 lines, 300 are allowed: split it",
  ]);
});

test("what npm installed in an example is not looked at", () => {
  put("examples/shop/src/big.ts", "// 1\n".repeat(301));
  put("examples/shop/node_modules/other/index.ts", 'import "./detour/../big.js";\n'.repeat(400));
  assert.deepEqual(check().problems, ["examples/shop/src/big.ts: 301 lines, 300 are allowed: split it"]);
});

test("a test lies in a folder of the same name as in src, or in integration, types or package", () => {
  put("packages/client/src/options.ts", "export {};\n");
  for (const path of ["outbound/log", "integration/demo", "types/api", "package/pack", "options", "options.soak"]) {
    put(`packages/client/test/${path}.test.ts`, "");
  }
  put("packages/client/test/outbound/helpers.ts", "export {};\n");
  assert.deepEqual(check().problems, []);
  put("packages/client/test/outbond/log.test.ts", "");
  put("packages/client/test/settings.test.ts", "");
  assert.deepEqual(check().problems, [
    "packages/client/test/outbond/log.test.ts: there is no packages/client/src/outbond",
    "packages/client/test/settings.test.ts: there is no packages/client/src/settings.ts",
  ]);
});

test("what Biome does not see in a pure folder is found, with its line", () => {
  const uses = [
    ["export const a = Math.random();", "Math.random"],
    ['export const a = Math["random"]();', "Math.random"],
    ["const { random } = Math;", "Math as a value"],
    ["const m = Math; export const a = m.random();", "Math as a value"],
    ["globalThis.setTimeout(() => {}, 1);", "globalThis"],
    ["AbortSignal.timeout(5);", "AbortSignal.timeout"],
  ] as const;
  for (const [code, name] of uses) {
    put("packages/client/src/bytes/x.ts", `// one\n${code}\n`);
    assert.deepEqual(
      check().problems,
      [`packages/client/src/bytes/x.ts:2: ${name}: time, timers and randomness come from Runtime`],
      code,
    );
  }
});

test("names that only look like globals are left alone, and so are folders that are not pure", () => {
  put(
    "packages/client/src/outbound/fine.ts",
    "// Math.random and globalThis in a comment\nexport const a = Math.max(1, 2);\nexport const b = { global: 1, self: 2 };\nexport const c = b.global + b.self;\n",
  );
  put("packages/client/src/transport/tcp.ts", "export const a = Math.random();\nglobalThis.setTimeout(() => {}, a);\n");
  assert.deepEqual(check().problems, []);
});

test("relative imports of every kind end in .ts, in sources and tests", () => {
  put("packages/client/src/outbound/a.ts", 'import "./log.js";\nexport * from "./log";\nexport type T = import("./log").T;\n');
  put("packages/client/test/outbound/a.test.ts", 'await import("../../src/outbound/log");\nimport "node:fs";\n');
  const problems = check().problems.map((problem) => problem.replace(/ import of .*/, ""));
  assert.deepEqual(problems, [
    "packages/client/src/outbound/a.ts:1:",
    "packages/client/src/outbound/a.ts:2:",
    "packages/client/src/outbound/a.ts:3:",
    "packages/client/test/outbound/a.test.ts:1:",
  ]);
});

test("an import that goes through an allowed folder to a forbidden one is found", () => {
  put(
    "packages/client/src/outbound/a.ts",
    'import "../bytes/../session/dial.ts";\nimport "./../session/dial.ts";\nimport "../bytes/ring.ts";\n',
  );
  assert.deepEqual(check().problems, [
    'packages/client/src/outbound/a.ts:1: import of "../bytes/../session/dial.ts" takes a detour: write "../session/dial.ts"',
    'packages/client/src/outbound/a.ts:2: import of "./../session/dial.ts" takes a detour: write "../session/dial.ts"',
  ]);
});

test("a new folder or file of the library needs an import rule", () => {
  put("packages/client/src/spool/disk.ts", "export {};\n");
  put("packages/client/src/browser.ts", "export {};\n");
  assert.deepEqual(check().problems, [
    "packages/client/src/browser.ts: biome.json has no noRestrictedImports for it",
    "packages/client/src/spool/: biome.json has no noRestrictedImports for it",
  ]);
});

test("each package carries the licence", () => {
  put("packages/client/LICENSE", "another\n");
  put("packages/cli/package.json", "{}");
  assert.deepEqual(check().problems, [
    "packages/cli/LICENSE: is no copy of LICENSE",
    "packages/client/LICENSE: is no copy of LICENSE",
  ]);
});

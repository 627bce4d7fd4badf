import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Completions, completionsFor } from "../../src/cli/completion.ts";
import { completionScripts } from "../../src/cli/completion-scripts.ts";
import { program } from "../../src/program.ts";
import { scratch } from "../pub/watch.ts";

const root = program(new AbortController().signal, () => assert.fail("it must not run"));

function words(...typed: readonly string[]): readonly string[] | "files" {
  const found: Completions = completionsFor(root, typed);
  return found === "files" ? found : found.map(([word]) => word);
}

test("commands, options, their values and files are completed", () => {
  assert.deepEqual(words("re"), ["req", "reply"]);
  assert.deepEqual(words("pub", "--at"), ["--at-least-once"]);
  assert.deepEqual(words("publish", "x", "--when-full", ""), ["wait", "error", "drop-oldest", "drop-newest"]);
  assert.deepEqual(words("pub", "--when-full", "=", "drop"), ["drop-oldest", "drop-newest"], "bash cuts at =");
  assert.deepEqual(words("demo", "--fault", "re"), ["refuse", "restart"]);
  assert.deepEqual(words("bench", ""), ["pub", "sub", "req", "outage"]);
  assert.deepEqual(words("bench", "outage", "--fault", "f"), ["fin", "flap"]);
  assert.deepEqual(words("bench", "pub", "--multi"), ["--multisubject", "--multisubjectmax"]);
  assert.equal(words("bench", "outage", "--html", ""), "files");
  assert.deepEqual(words("bench", "pub", ""), [], "no commands below it");
  assert.equal(words("pub", "-f", ""), "files");
  assert.equal(words("sub", "x", "--creds", "~/"), "files");
  assert.deepEqual(words("complete", ""), ["bash", "zsh", "fish"]);
  assert.deepEqual(words("pub", "orders."), [], "nobody knows subjects");
  assert.deepEqual(words("pub", "--rate", ""), []);
  assert.deepEqual(words("pub", "--", "--at"), [], "behind -- there are no options");
  assert.ok(words("sub", "-").includes("--queue"));
});

test("bash completes, also contexts and files, and runs nothing of what was typed", {
  skip: process.platform === "win32",
}, (t) => {
  const folder = scratch(t);
  mkdirSync(join(folder, "nats", "context"), { recursive: true });
  writeFileSync(join(folder, "nats", "context", "staging.json"), "{}");
  writeFileSync(join(folder, "some.creds"), "");
  const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
  const holdfast = join(folder, "holdfast");
  writeFileSync(
    holdfast,
    `#!/bin/sh\nexec '${process.execPath}' --conditions=source --import '${import.meta.resolve("tsx")}' '${main}' "$@"\n`,
  );
  chmodSync(holdfast, 0o755);
  writeFileSync(join(folder, "script"), completionScripts.bash("holdfast"));
  // Sourced twice: as in a shell whose ~/.bashrc is read again.
  const script = `
    source ${folder}/script; source ${folder}/script
    compopt() { echo "compopt $*"; }
    ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _holdfast; echo "\${COMPREPLY[*]}"; }
    ask holdfast pub --context s
    ask holdfast pub "\\$(touch ${folder}/ran)" "it's" --json
    ask holdfast pub --creds ""
    complete -p holdfast
  `;
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH ?? ""}`, XDG_CONFIG_HOME: folder };
  const lines = execFileSync("bash", ["--norc", "--noprofile", "-c", script], { env, encoding: "utf8" }).trimEnd().split("\n");
  assert.deepEqual(lines, ["staging", "--json", "compopt -o default", "", "complete -F _holdfast holdfast"]);
  assert.throws(() => execFileSync("ls", [join(folder, "ran")], { stdio: "ignore" }));
});

test("every shell's script asks the program of its name", () => {
  for (const [shell, script] of Object.entries(completionScripts)) assert.match(script("tool"), /tool complete -- /, shell);
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { noServer, noTerminal } from "../cli.ts";
import { cutLink, startPlace } from "./watch.ts";

const skip = noServer() || noTerminal();
const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

test("on a terminal one line shows what is sent, confirmed, held, the rate and the time left, and it is gone at the end", {
  skip,
}, async (t) => {
  const { proxy, watcher, folder } = await startPlace(t, "lines");
  const input = join(folder, "input");
  writeFileSync(input, "a line\n".repeat(6_000));
  const typescript = join(folder, "typescript");
  const command = `stty cols 120; exec '${process.execPath}' --conditions=source --import '${import.meta.resolve("tsx")}' '${main}' pub lines -l -f '${input}' --rate 4000 -s ${proxy.url} --reconnect-time-wait 300ms --no-context`;
  const child = spawn("script", ["--quiet", "--return", "--command", command, typescript], { stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => void child.kill("SIGKILL"));
  let screen = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  await watcher.whenHeard(1_000);
  (await cutLink(proxy, 2))();
  const code = await ended;
  assert.ok(code === 0 || code === 3, screen);
  const text = screen.replaceAll(new RegExp(`${esc}\\[[0-9;?]*[a-zA-Z]|${esc}[78]`, "g"), "");
  assert.match(text, /█░+ +\d+% [\d,]+ sent · [\d,]+ confirmed · [\d,]+ held \([\d.]+ k?B of 8\.4 MB\) · /);
  assert.match(text, /no connection · [\d,]+ sent · /);
  assert.match(text, / [\d,]+\/s · \d+ s left/);
  // A note stands on a line of its own, and the cursor is there again.
  assert.match(text, /^.*holdfast: disconnected from [^·\r\n]*\r?$/m);
  assert.ok(screen.lastIndexOf(`${esc}[?25h`) > screen.lastIndexOf(`${esc}[?25l`));
  assert.match(text.trimEnd().split("\n").at(-1) ?? "", /holdfast: 6,000 messages: [\d,]+ confirmed[^·]*$/);
});

const esc = "\x1b";

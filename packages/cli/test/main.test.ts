import assert from "node:assert/strict";
import { test } from "node:test";
import { CommanderError } from "@commander-js/extra-typings";
import { demoCommand } from "../src/demo/command.ts";
import { type DemoOptions, faultKinds } from "../src/demo/options.ts";
import { runCli } from "./cli.ts";

const badOptions: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["a rate that is not a number", ["--rate", "fast"], /--rate.*'fast' is invalid\. It must be a whole number from 1 to 1000000/],
  ["a rate of zero", ["--rate", "0"], /--rate.*'0' is invalid/],
  ["a fractional rate", ["--rate", "1.5"], /--rate.*'1\.5' is invalid/],
  [
    "a payload too small for the number",
    ["--size", "15"],
    /--size.*'15' is invalid\. It must be a whole number from 16 to 1048576/,
  ],
  ["a negative outage", ["--outage", "-1"], /--outage/],
  ["a buffer of nothing", ["--buffer", "0"], /--buffer.*'0' is invalid/],
  [
    "a fault that does not exist",
    ["--fault", "flood"],
    /--fault.*'flood' is invalid\. Allowed choices are rst, fin, refuse, blackhole, flap, freeze, restart, kill/,
  ],
  ["a delivery that does not exist", ["--delivery", "exactly-once"], /Allowed choices are at-most-once, at-least-once/],
  ["a negative stall timeout", ["--stall-timeout", "-1"], /--stall-timeout/],
  ["a stall timeout without end", ["--stall-timeout", "600001"], /--stall-timeout.*must be a whole number from 0 to 600000/],
  [
    "a client that does not exist",
    ["--only", "nats.go"],
    /--only.*'nats\.go' is invalid\. Allowed choices are holdfast, nats\.js/,
  ],
  ["an unknown option", ["--speed", "9"], /unknown option '--speed'/],
  [
    "more than the server's memory is to hold",
    ["--rate", "100000", "--size", "100000"],
    /at most 536870912: lower --rate, --size or/,
  ],
  ["more messages than can be numbered", ["--rate", "1000000", "--outage", "600000"], /607000000 messages; the demo can number/],
];

for (const [what, args, message] of badOptions) {
  test(`${what} is refused in one line that says what is allowed`, async () => {
    const printed: string[] = [];
    const command = demoCommand(() => assert.fail("it must not run"))
      .exitOverride()
      .configureOutput({ writeErr: (text) => printed.push(text), writeOut: () => assert.fail("nothing on standard output") });
    await assert.rejects(command.parseAsync(["--json", ...args], { from: "user" }), CommanderError);
    assert.match(printed.join(""), message);
    assert.equal(printed.join("").trimEnd().split("\n").length, 1, printed.join(""));
  });
}

test("a bad option is exit code 2 with one line on standard error and nothing on standard output", async (t) => {
  const { code, stdout, stderr } = await runCli(t, ["demo", "--json", "--rate", "fast"]);
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.equal(stderr, "error: option '--rate <n>' argument 'fast' is invalid. It must be a whole number from 1 to 1000000.\n");
});

test("the defaults are those of the issue, and both clients run", async () => {
  let given: DemoOptions | null = null;
  await demoCommand(async (options) => {
    given = options;
  }).parseAsync([], { from: "user" });
  assert.deepEqual(given, {
    rate: 10_000,
    size: 128,
    outageMs: 3_000,
    fault: "rst",
    delivery: "at-most-once",
    stallTimeoutMs: null,
    bufferBytes: 8_388_608,
    clients: ["holdfast", "nats.js"],
    json: false,
    html: null,
    leadMs: 3_000,
    tailMs: 4_000,
  });
});

test("without nats-server one line says where it was looked for, and the exit code is 2", async (t) => {
  const { code, stdout, stderr } = await runCli(t, ["demo", "--json"], { NATS_SERVER: undefined, PATH: "/nonexistent" });
  assert.equal(code, 2);
  assert.equal(stdout, "");
  assert.match(stderr, /^holdfast: no nats-server: NATS_SERVER is not set, and there is none on PATH\. Install it \(Debian: /);
  assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
});

test("a NATS_SERVER that does not exist is named", async (t) => {
  const { code, stderr } = await runCli(t, ["demo"], { NATS_SERVER: "/nonexistent/nats-server" });
  assert.equal(code, 2);
  assert.match(stderr, /^holdfast: .*NATS_SERVER.*\/nonexistent\/nats-server/);
});

test("a program that is not nats-server is refused by name", async (t) => {
  const { code, stderr } = await runCli(t, ["demo"], { NATS_SERVER: "/bin/echo" });
  assert.equal(code, 2);
  assert.match(stderr, /^holdfast: \/bin\/echo is not a nats-server/);
});

test("help names every option of the issue, every fault, and the exit codes", async (t) => {
  const { code, stdout } = await runCli(t, ["demo", "--help"]);
  assert.equal(code, 0);
  for (const option of ["rate", "size", "outage", "fault", "delivery", "buffer", "stall-timeout", "only", "html", "json"])
    assert.ok(stdout.includes(`--${option} `) || stdout.includes(`--${option}\n`), option);
  for (const fault of faultKinds) assert.match(stdout, new RegExp(`^ {2}${fault} +\\S`, "m"));
  assert.match(stdout, /Exit code: 0 .* 1 .*\n?2 /);
});

test("--version prints the version of the command line", async (t) => {
  const { code, stdout } = await runCli(t, ["--version"]);
  assert.equal(code, 0);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { CommanderError, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { program } from "../src/program.ts";

const commands = ["pub", "sub", "req", "reply", "bench", "demo", "complete"];
const benchCommands = ["pub", "sub", "req", "outage"].map((name) => `bench ${name}`);
const pages = {
  demo: readFileSync(new URL("../README.md", import.meta.url), "utf8"),
  others: readFileSync(new URL("../../../docs/CLI.md", import.meta.url), "utf8"),
};

/** The program as it is, but for what it prints. Nothing of it may run. */
function silent(): { readonly root: CommandUnknownOpts; readonly printed: { out: string; err: string } } {
  const root = program(new AbortController().signal, () => assert.fail("it must not run"));
  const printed = { out: "", err: "" };
  const output = {
    writeOut: (text: string) => {
      printed.out += text;
    },
    writeErr: (text: string) => {
      printed.err += text;
    },
  };
  for (const command of [root, ...root.commands.flatMap((each) => [each, ...each.commands])]) command.configureOutput(output);
  return { root, printed };
}

async function helpOf(...args: readonly string[]): Promise<string> {
  const { root, printed } = silent();
  await assert.rejects(root.parseAsync([...args, "--help"], { from: "user" }), (error: unknown) => {
    return error instanceof CommanderError && error.exitCode === 0;
  });
  return printed.out;
}

test("the program's help names every command, with examples", async () => {
  const help = await helpOf();
  for (const command of commands) assert.match(help, new RegExp(`^  ${command}\\b`, "m"));
  assert.match(help, /^Examples:\n {2}holdfast pub /m);
});

test("the help of bench names its commands; bench alone prints it as an error", async () => {
  const help = await helpOf("bench");
  const { root, printed } = silent();
  await assert.rejects(root.parseAsync(["bench"], { from: "user" }), CommanderError);
  assert.deepEqual(printed, { out: "", err: help });
  for (const name of benchCommands) assert.match(help, new RegExp(`^  ${name.slice("bench ".length)}\\b.* {2}\\S`, "m"));
});

for (const name of [...commands, ...benchCommands]) {
  test(`the help of ${name} has examples or what it does in words, its options and its exit codes, and a page has each option`, async () => {
    const words = name.split(" ");
    const help = await helpOf(...words);
    assert.match(help, new RegExp(`^Examples:\\n.*holdfast ${name}`, "m"));
    if (name !== "complete" && name !== "bench") assert.match(help, /Exit codes?:/);
    assert.ok(
      help.split("\n").every((line) => line.length <= 135),
      "no line is wider than a wide terminal",
    );
    const find = (from: CommandUnknownOpts | undefined, word: string) => from?.commands.find((each) => each.name() === word);
    const command = words.reduce(find, silent().root);
    const options = command?.options.filter(({ hidden }) => !hidden) ?? [];
    const page = name === "demo" ? pages.demo : pages.others;
    for (const option of options) {
      assert.ok(help.includes(option.flags), option.flags);
      assert.ok(page.includes(`\`${option.flags}\``), `no line of the page about ${option.flags}`);
    }
  });
}

const server = ["-s", "127.0.0.1:1"];
const bad: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [["pub"], /^pub needs a <subject>, or --from FILE/],
  [["pub", "a b", "x"], /^<subject> "a b" has spaces: quote it/],
  [["pub", "a.*", "x"], /^<subject> "a\.\*" has a wildcard/],
  [["pub", "a..b", "x"], /^<subject> "a\.\.b" has an empty part/],
  [["pub", "a", "x", "--reply", "b.>"], /^--reply "b\.>" has a wildcard/],
  [["pub", "a", "x", "--count", "0"], /--count <n>' argument '0' is invalid\. It must be a whole number from 1\./],
  [["pub", "a", "x", "--max-age", "5"], /--max-age <duration>' argument '5' is invalid\. It must be a duration such as 500ms/],
  [
    ["pub", "a", "x", "--buffer-bytes", "lots"],
    /--buffer-bytes <size>' argument 'lots' is invalid\. It must be a number of bytes/,
  ],
  [["pub", "a", "x", "--max-in-flight", "1k"], /--max-in-flight.*from 65536 to 1073741824/],
  [["pub", "a", "x", "--when-full", "explode"], /--when-full.*Allowed choices are wait, error, drop-oldest, drop-newest/],
  [["pub", "a", "x", "--rate", "9", "--sleep", "1s"], /^--rate and --sleep: give one of them/],
  [["pub", "a", "x", "--header", "novalue"], /^--header "novalue": must be NAME:VALUE/],
  [["pub", "a", "x", "--header", "a b:c"], /^--header "a b:c": /],
  [["pub", "a", "x", "--file", "f"], /^\[data\] and --file: give one of them/],
  [["pub", "a", "--file", "/nonexistent/f"], /^--file: cannot read \/nonexistent\/f \(ENOENT\)/],
  [["pub", "a", "--file", "/"], /^--file: \/ is a directory/],
  [["pub", "a", "--from", "/dev/null"], /^--from and <subject>: the subjects stand in \/dev\/null/],
  [["pub", "--from", "/dev/null", "--header", "a:b"], /^--from and --header: give one of them/],
  [["pub", "--from", "/dev/null", "--count", "2"], /^--from and --count: give one of them/],
  [["pub", "a", "x", "--jetstream", "--at-least-once"], /^--jetstream and --at-least-once: give one of them/],
  [["pub", "a", "x", "--jetstream", "--reply", "r"], /^--jetstream and --reply: give one of them/],
  [["pub", "a", "x", "--jetstream", "--when-full", "error"], /^--jetstream and --when-full error: give one of them/],
  [["pub", "a", "x", "--undelivered", "/nonexistent/u"], /^--undelivered: cannot write \/nonexistent\/u \(ENOENT\)/],
  [["pub", "a", "x", "y"], /too many arguments for 'pub'\. Expected 2 arguments but got 3/],
  [["pub", "a", "x", "--buffer-byte", "1"], /unknown option '--buffer-byte'\n\(Did you mean --buffer-bytes\?\)/],
  [["publsh", "a"], /unknown command 'publsh'\n\(Did you mean publish\?\)/],
  [["sub"], /^sub needs a <subject>, or --inbox/],
  [["sub", "a", "--inbox"], /^<subject> and --inbox: give one of them/],
  [["sub", "a", "--count", "-1"], /--count/],
  [["req"], /missing required argument 'subject'/],
  [["req", "a.>", "x"], /^<subject> "a\.>" has a wildcard/],
  [["req", "a", "x", "--replies", "some"], /--replies.*whole number from 0 to 1000000/],
  [["reply", "a", "x", "--echo"], /^\[data\] and --echo: give one of them/],
  [["bench", "pud"], /unknown command 'pud'\n\(Did you mean pub\?\)/],
  [["bench", "pub", "a.*"], /^<subject> "a\.\*" has a wildcard/],
  [["bench", "pub", "--msgs", "0"], /--msgs <n>' argument '0' is invalid\. It must be a whole number from 1 to/],
  [["bench", "pub", "--size", "65MiB"], /--size <size>' argument '65MiB' is invalid\. It must be a number of bytes from 0 to/],
  [["bench", "pub", "--compare", "nats.go"], /--compare <client>' argument 'nats\.go' is invalid\. Allowed choices are nats\.js/],
  [["bench", "pub", "--compare", "nats.js", "--msg-id"], /^--msg-id and --compare: give one of them/],
  [["bench", "pub", "-H", "novalue"], /^--header "novalue": must be NAME:VALUE/],
  [["bench", "sub", "--no-publisher"], /^--no-publisher needs a <subject>/],
  [["bench", "sub", "a", "--no-publisher", "--rounds", "2"], /^--no-publisher and --rounds: give one of them/],
  [["bench", "req", "--no-responder"], /^--no-responder needs a <subject>/],
  [["bench", "req", "--outstanding", "0"], /--outstanding/],
  [["bench", "outage", "--fault", "kill"], /--fault.*Allowed choices are rst, fin, refuse, blackhole, flap/],
  [["bench", "outage", "--size", "15"], /--size.*from 16 to/],
  [
    ["bench", "outage", "--rate", "1000000", "--outage", "2m"],
    /^these are 125000000 messages, and 99999999 can be numbered: lower/,
  ],
  [["bench", "outage", ...server], /^cannot connect to 127\.0\.0\.1:1 \(connection refused\): start a nats-server/],
  [["complete", "tcsh"], /Allowed choices are bash, zsh, fish/],
  [["pub", "a", "x", ...server, "--creds", "/nonexistent/c"], /^--creds: cannot read \/nonexistent\/c \(ENOENT\)/],
  [["pub", "a", "x", ...server, "--creds", "/dev/null"], /^--creds: \/dev\/null is not a credentials file/],
  [["pub", "a", "x", ...server, "--nkey", "/dev/null"], /^--nkey: \/dev\/null has no nkey seed/],
  [["pub", "a", "x", ...server, "--tlsca", "/nonexistent/ca"], /^--tlsca: cannot read \/nonexistent\/ca \(ENOENT\)/],
  [["pub", "a", "x", ...server, "--tlscert", "/dev/null"], /^--tlscert and --tlskey belong together/],
  [["pub", "a", "x", ...server, "--password", "secret-word"], /^--password needs --user$/],
  [["pub", "a", "x", ...server, "--user", "u", "--token", "secret-word"], /^--user and --token: give one of them/],
  [["pub", "a", "x", "-s", "ws://h"], /^--server: holdfast speaks NATS over TCP and TLS, not over WebSocket/],
  [["pub", "a", "x", "-s", " , "], /^--server must name a server/],
  [["pub", "a", "x", ...server, "--timeout", "0"], /--timeout.*1ms or more/],
  [
    ["pub", "a", "x", "-s", "u:secret-word@127.0.0.1:1"],
    /^cannot connect to 127\.0\.0\.1:1 \(connection refused\): start a nats-server there, or name another with --server/,
  ],
];

for (const [args, message] of bad) {
  test(`holdfast ${args.join(" ")}: one line says what is wrong`, async () => {
    const { root, printed } = silent();
    await assert.rejects(root.parseAsync([...args], { from: "user" }), (error: unknown) => {
      assert.ok(error instanceof Error);
      const said = error instanceof CommanderError ? printed.err.replace(/^error: /, "") : error.message;
      assert.match(said, message);
      assert.doesNotMatch(said, /secret-word/);
      assert.ok(said.trimEnd().split("\n").length <= 2, said);
      return true;
    });
    assert.equal(printed.out, "");
  });
}

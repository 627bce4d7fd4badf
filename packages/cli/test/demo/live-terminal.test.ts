import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { canShow } from "../../src/demo/live-terminal.ts";
import { noServer, noTerminal, startCli } from "../cli.ts";
import { short } from "./runs.ts";

const skip = noServer() || noTerminal();
const onTerminal = { CI: undefined, NO_COLOR: undefined, TERM: "xterm-256color" };
const hideCursor = "\x1b[?25l";
const showCursor = "\x1b[?25h";

describe("on a terminal", { concurrency: 2 }, () => {
  test("both clients stand side by side while it runs, and the cursor, the curve and the table are there at the end", {
    skip,
  }, async (t) => {
    const cli = startCli(t, ["demo", ...short], onTerminal, "open", { columns: 100, rows: 40 });
    const { code, stdout } = await cli.ended;
    const text = stripVTControlCharacters(stdout);
    assert.equal(code, 0, text);
    assert.match(text, /holdfast +nats\.js *\r\nconnection +connected +connected/);
    assert.match(text, /published +[\d,]+ · [\d,]+\/s +[\d,]+ · [\d,]+\/s/);
    assert.match(text, /the fault: 0\.\d s left · \d\.\d s in all/);
    assert.match(text, /reading the streams: what has arrived\?/);
    assert.ok(stdout.indexOf(hideCursor) >= 0 && stdout.lastIndexOf(showCursor) > stdout.lastIndexOf(hideCursor));
    assert.match(
      text.slice(text.lastIndexOf("what Holdfast holds")),
      /8\.4 MB ┼─+\r\n[\s\S]*▓+━+\r\n.*\r\n\r\n┌─[\s\S]*│ lost silently +│ +0 │/,
    );
    assert.doesNotMatch(text, /--- the fault begins/, "what a line tells elsewhere");
  });

  test("Ctrl-C brings the cursor back, ends the run with 130 and leaves nothing", { skip }, async (t) => {
    const cli = startCli(t, ["demo", "--lead", "100"], { ...onTerminal, NO_COLOR: "1" }, "open", { columns: 60, rows: 20 });
    await cli.whenTold(/the fault: /);
    cli.child.stdin?.write("\x03");
    const { code, stdout } = await cli.ended;
    assert.equal(code, 130, stdout);
    assert.ok(stdout.lastIndexOf(showCursor) > stdout.lastIndexOf("the fault: "), "nothing is drawn behind it");
    assert.doesNotMatch(stdout, /Error/);
    assert.ok(!stdout.includes("\x1b[33m"), "no colours where NO_COLOR is set");
    assert.deepEqual(await cli.leftovers(), []);
  });
});

test("there is no view where nobody can see it: a pipe, a log of CI, a terminal that moves no cursor or has no size", () => {
  const terminal = { isTTY: true, columns: 80, rows: 24 };
  assert.equal(canShow(terminal, { TERM: "xterm" }), true);
  assert.equal(canShow(terminal, { TERM: "xterm", CI: "" }), true);
  assert.equal(canShow({}, { TERM: "xterm" }), false);
  assert.equal(canShow({ ...terminal, isTTY: false }, { TERM: "xterm" }), false);
  assert.equal(canShow({ ...terminal, columns: 0 }, { TERM: "xterm" }), false);
  assert.equal(canShow(terminal, { TERM: "dumb" }), false);
  assert.equal(canShow(terminal, { TERM: "xterm", CI: "true" }), false);
});

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { UndeliveredFile } from "../../src/pub/undelivered-file.ts";
import { scratch } from "./watch.ts";

const message = { subject: "a", data: new TextEncoder().encode("x") };

test("what is added is in the file at once", (t) => {
  const path = join(scratch(t), "left");
  writeFileSync(path, "");
  const file = new UndeliveredFile(path);
  file.add([[message, { state: "inDoubt" }]]);
  file.add([]);
  assert.equal(readFileSync(path, "utf8"), '{"subject":"a","data":"x","state":"inDoubt"}\n');
  assert.deepEqual([file.written, file.failure], [1, null]);
  file.close();
});

test("nobody's only copy is written over: a file with something in it is refused", (t) => {
  const path = join(scratch(t), "left");
  writeFileSync(path, "{}\n");
  assert.throws(() => new UndeliveredFile(path), {
    message: `--undelivered: ${path} has 3 bytes already: publish them with \`holdfast pub --from ${path}\`, or name another file`,
  });
});

test("a file that cannot be written is refused at the start", (t) => {
  assert.throws(
    () => new UndeliveredFile(join(scratch(t), "none", "left")),
    /^Error: --undelivered: cannot write .*left \(ENOENT\)$/,
  );
});

test("a full disk is told, with how many messages are missing, and nothing is written behind half a line", {
  skip: !existsSync("/dev/full"),
}, () => {
  const file = new UndeliveredFile("/dev/full");
  file.add([[message, {}]]);
  file.add([
    [message, {}],
    [message, {}],
  ]);
  assert.equal(file.written, 0);
  assert.equal(file.failure, "cannot write /dev/full (ENOSPC): 3 messages are missing in it");
  file.close();
});

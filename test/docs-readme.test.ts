/** README.ru.md says what README.md says: its sections, commands, code, options and links are held against each other. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { optionNames } from "../packages/client/src/option-names.ts";
import { drawOutage } from "../scripts/outage-picture/draw.ts";
import { lastRun } from "../scripts/outage-picture.ts";
import { cellsOf } from "../scripts/shared/markdown-table.ts";
import { root } from "../scripts/shared/node.ts";

const english = sections("README.md");
const russian = sections("README.ru.md");

test("both READMEs have the same sections, each with the same code, commands, options and links", () => {
  assert.equal(russian.length, english.length);
  for (const [index, theirs] of english.entries()) {
    const ours = russian[index] ?? "";
    const where = theirs.split("\n", 1)[0];
    assert.deepEqual(blocks(ours), blocks(theirs), `blocks of code: ${where}`);
    assert.deepEqual(spans(ours), spans(theirs), `code: ${where}`);
    assert.deepEqual(targets(ours), targets(theirs), `links: ${where}`);
    assert.deepEqual(keys(ours), keys(theirs), `tables: ${where}`);
  }
});

test("README.md has every option of Holdfast's own, and no other", () => {
  const table = english.find((section) => section.startsWith("Options")) ?? "";
  const written = keys(table).filter((key) => key.startsWith("`") && !key.startsWith("`…"));
  const own = optionNames.filter((name) => !OFFICIAL.has(name));
  assert.deepEqual(written.map((key) => key.replaceAll("`", "")).sort(), [...own].sort());
});

test("the picture of the outage is drawn from the run that lies beside it", () => {
  assert.equal(readFileSync(join(root, "docs/images/outage.svg"), "utf8"), drawOutage(lastRun()));
  assert.equal(lastRun().lost.holdfast, 0);
});

/** The options of `@nats-io/transport-node`. */
const OFFICIAL = new Set(
  (
    "authenticator debug ignoreAuthErrorAbort ignoreClusterUpdates inboxPrefix maxPingOut maxReconnectAttempts name noAsyncTraces noEcho noRandomize pass " +
    "pedantic pingInterval port reconnect reconnectDelayHandler reconnectJitter reconnectJitterTLS reconnectTimeWait reconnectToServer resolve servers timeout " +
    "tls token user verbose waitOnFirstConnect"
  ).split(" "),
);

function sections(page: string): string[] {
  return readFileSync(join(root, page), "utf8").split(/^## /m);
}

/** Without their comments, which are translated. */
function blocks(section: string): string[] {
  const found = [...section.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
  return found.map((block) => block.replaceAll(/(^|\s)\/\/ .*$/gm, "").trimEnd());
}

function spans(section: string): string[] {
  const text = section.replaceAll(/^```[\s\S]*?^```$/gm, "");
  return [...text.matchAll(/`[^`\n]+`/g)].map(([span]) => span).sort();
}

/** But those to the section of a heading, which is translated, and to the other README. */
function targets(section: string): string[] {
  const found = [...section.matchAll(/\]\(([^)]+)\)/g)].map(([, target = ""]) => target);
  return found.map((target) => target.replace(/^README(\.ru)?\.md$/, "README").replace(/^#.*$/, "#")).sort();
}

/** The first cells of its tables: the key where it is code, else only that there is a row. */
function keys(section: string): string[] {
  return section.split("\n").flatMap((line) => {
    const [first] = cellsOf(line) ?? [];
    return first === undefined ? [] : [/^`[^`]+`/.exec(first)?.[0] ?? "row"];
  });
}

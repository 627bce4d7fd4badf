import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../scripts/shared/node.ts";
import { anchorsOf, linksOf, markdownPages } from "./docs-pages.ts";

const pages = markdownPages(root);
const links = pages.flatMap((page) => linksOf(root, page));

test("every link between the pages leads to a file that there is", () => {
  assert.ok(pages.includes("docs/guide/outages.md") && links.length > 100, `${links.length} links`);
  const dead = links.filter(({ file }) => !existsSync(join(root, file)));
  assert.deepEqual(
    dead.map(({ page, target }) => `${page}: ${target}`),
    [],
  );
});

test("every anchor that a link names is there", () => {
  const dead = links.filter(({ file, anchor }) => anchor !== undefined && !anchorsOf(root, file).has(decodeURI(anchor)));
  assert.deepEqual(
    dead.map(({ page, target }) => `${page}: ${target}`),
    [],
  );
});

test("every page of the guide is in its table of contents and in README.md", () => {
  for (const from of ["docs/guide/README.md", "README.md"]) {
    const linked = new Set(linksOf(root, from).map(({ file }) => file));
    const missing = pages.filter(
      (page) => page.startsWith("docs/guide/") && page !== "docs/guide/README.md" && !linked.has(page),
    );
    assert.deepEqual(missing, [], from);
  }
});

test("every npm command that README, CONTRIBUTING and the guide name is in package.json", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const looked = pages.filter((page) => /^(README|CONTRIBUTING)|^docs\/guide\//.test(page));
  const named = looked.flatMap((page) => [
    ...readFileSync(join(root, page), "utf8").matchAll(/npm run (?:-s )?([a-z][a-z:-]*)/g),
  ]);
  assert.ok(named.length > 10, `${named.length} commands`);
  for (const [command, name = ""] of named) assert.ok(name in scripts, command);
});

test("every source file that docs/DESIGN.md leads its reader to is there", () => {
  const [, journey = ""] = readFileSync(join(root, "docs/DESIGN.md"), "utf8").split("## 9. The journey of a publish");
  const named = new Set([...journey.matchAll(/`([a-z/-]+\.ts)`/g)].map(([, name = ""]) => name));
  assert.ok(named.size > 30, `${named.size} files`);
  const files = readdirSync(join(root, "packages/client/src"), { recursive: true, encoding: "utf8" });
  const paths = files.map((file) => `/${file.replaceAll("\\", "/")}`);
  assert.deepEqual(
    [...named].filter((name) => !paths.some((path) => path.endsWith(`/${name}`))),
    [],
  );
});

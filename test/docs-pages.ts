import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

/** A link of a page to another file of the workspace, or within the page. */
export interface Link {
  readonly page: string;
  /** As it is written. */
  readonly target: string;
  /** From the root of the workspace. */
  readonly file: string;
  /** What stands behind the `#`. */
  readonly anchor: string | undefined;
}

const fenced = /^ *```[\s\S]*?^ *```$/gm;

/** Every Markdown page that we wrote, from the root. */
export function markdownPages(root: string): string[] {
  const below = (folder: string): string[] =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .map((name) => posix.join(folder, name.replaceAll("\\", "/")))
      .filter((name) => name.endsWith(".md") && !/(^|\/)(node_modules|dist)\//.test(name) && !name.startsWith("docs/api/"));
  const top = readdirSync(root).filter((name) => name.endsWith(".md"));
  return [...top, ...["docs", "packages", "examples", "bench", "test"].flatMap(below)].sort();
}

/** Links to files of the workspace and anchors; those to the Web are not looked at. */
export function linksOf(root: string, page: string): Link[] {
  const text = textOf(root, page);
  const written = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return written.flatMap((target) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [path = "", anchor] = target.split("#");
    return [{ page, target, file: path === "" ? page : posix.join(dirname(page), path), anchor }];
  });
}

/** The anchors of a page: its headings as GitHub makes them, and those that it sets itself. */
export function anchorsOf(root: string, page: string): Set<string> {
  const text = textOf(root, page);
  const headings = [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) => slug(heading));
  const set = [...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = ""]) => id);
  return new Set([...headings, ...set]);
}

/** Without its blocks of code. */
function textOf(root: string, page: string): string {
  return readFileSync(join(root, page), "utf8").replaceAll(fenced, "");
}

function slug(heading: string): string {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
    .replaceAll(" ", "-");
}

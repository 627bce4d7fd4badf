import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A block of TypeScript of a page. */
export interface Snippet {
  /** The page and the number of its block: `guide/limits 2`. */
  readonly key: string;
  /** As a module; with what it takes for granted imported. */
  readonly code: string;
  /** It defines tests. */
  readonly isTest: boolean;
}

const fenced = /^( *)```ts\n([\s\S]*?)^ *```$/gm;
/** What a snippet may take for granted (docs-snippets-given.ts), if it does not declare it. */
const given = ["nc", "publishToStream", "order", "fix", "entry", "reading", "megabyte"] as const;

/** Pages whose snippets are run; the others have tests of their own. */
function pages(root: string): string[] {
  const guide = readdirSync(join(root, "docs/guide")).filter((name) => name.endsWith(".md"));
  return ["README.md", "packages/client/README.md", "docs/STREAMS.md", ...guide.sort().map((name) => `docs/guide/${name}`)];
}

/** All snippets, with `url` for the server that they name. */
export function snippets(root: string, url: string): Snippet[] {
  return pages(root).flatMap((page) => {
    const blocks = [...readFileSync(join(root, page), "utf8").matchAll(fenced)];
    return blocks.map(([, indent = "", block = ""], index) => {
      const code = block.replaceAll(new RegExp(`^${indent}`, "gm"), "");
      const key = `${page.replace(/^docs\//, "").replace(/\.md$/, "")} ${index + 1}`;
      return { key, code: asModule(code, url), isTest: code.includes('from "node:test"') };
    });
  });
}

function asModule(code: string, url: string): string {
  const missing = given.filter((name) => new RegExp(`\\b${name}\\b`).test(code) && !declares(code, name));
  const head = missing.length === 0 ? "export {};" : `import { ${missing.join(", ")} } from "./given.mts";`;
  return `${head} ${code.replaceAll("nats://127.0.0.1:4222", url)}`;
}

function declares(code: string, name: string): boolean {
  return new RegExp(`(const|let|using) ${name}\\b|^import .*\\b${name}\\b`, "m").test(code);
}

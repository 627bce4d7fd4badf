import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import ts from "typescript";

/** The packages whose documentation is run. */
export const packages = ["nats-core", "transport-node", "jetstream", "kv", "obj", "services"] as const;

/** A program made of one block of code of a package's README. */
export interface Example {
  /** Package and number of the block, such as `kv 2`; `kv 1 (import)` and `kv 1 (require)` for one that shows both ways. */
  readonly key: string;
  /** JavaScript, as an ES module. */
  readonly code: string;
}

const require = createRequire(import.meta.url);
const fenced = /^```(?:typescript|javascript|ts|js)\n([\s\S]*?)^```$/gm;
/** What the blocks import a client from. Some name the Deno transport, or the source of the client itself. */
const transport = /(from\s+|require\()"(?:@nats-io\/(?:transport-\w+|nats-deno)|\.\.\/[^"]+)"/g;

/** How many blocks of TypeScript and JavaScript the README of a package has, as installed. */
export function blocksOf(name: string): string[] {
  const readme = readFileSync(join(packageFolder(name), "README.md"), "utf8");
  return [...readme.matchAll(fenced)].map(([, block = ""]) => block);
}

/** All programs, with `client` for the transport and `server` (host:port) for the servers they name. */
export function examples(client: string, server: string): Example[] {
  return packages.flatMap((name) =>
    blocksOf(name).flatMap((block, index) => {
      const key = `${name} ${index + 1}`;
      if (!block.includes("require(")) return [{ key, code: compile(block, client, server) }];
      return [
        { key: `${key} (import)`, code: compile(without(block, /\brequire\(/), client, server) },
        { key: `${key} (require)`, code: compile(without(block, /^import /), client, server) },
      ];
    }),
  );
}

/** The only changes: the client, and where the server is. */
function compile(block: string, client: string, server: string): string {
  const port = server.split(":")[1] ?? "";
  const source = block
    .replaceAll(transport, `$1"${client}"`)
    .replaceAll(/"(?:demo\.nats\.io(?::\d+)?|localhost|127\.0\.0\.1:4222)"|`demo\.nats\.io`/g, `"${server}"`)
    .replaceAll(/\bport: 4222\b/g, `port: ${port}`);
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  return outputText;
}

function without(block: string, line: RegExp): string {
  return block
    .split("\n")
    .filter((text) => !line.test(text))
    .join("\n");
}

function packageFolder(name: string): string {
  // The main file lies in lib/, or beside package.json.
  const main = dirname(require.resolve(`@nats-io/${name}`));
  return main.endsWith("lib") ? dirname(main) : main;
}

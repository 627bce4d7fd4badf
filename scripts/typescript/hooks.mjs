import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const cache = fileURLToPath(new URL("../../node_modules/.cache/holdfast-typescript/", import.meta.url));
const { version } = require("esbuild/package.json");
mkdirSync(cache, { recursive: true });

/** Node's hook: gives the JavaScript of a TypeScript file. */
export async function load(url, context, next) {
  if (!url.startsWith("file:") || !/\.ts$/.test(url.replace(/[?#].*/s, ""))) return next(url, context);
  const path = fileURLToPath(url);
  const text = readFileSync(path, "utf8");
  const key = createHash("sha1").update(`${version}\0${path}\0`).update(text).digest("hex");
  return { format: "module", source: compiled(path, text, `${cache}${key}.js`), shortCircuit: true };
}

/** From the cache if it is there: each state of a file is compiled once, by whichever process meets it first. */
function compiled(path, text, file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    // Not there yet.
  }
  const { transformSync } = require("esbuild");
  const { code } = transformSync(text, {
    loader: "ts",
    format: "esm",
    target: "node20.19",
    sourcefile: path,
    sourcemap: "inline",
    sourcesContent: false,
  });
  const made = `${file}.${process.pid}`;
  writeFileSync(made, code);
  renameSync(made, file);
  return code;
}

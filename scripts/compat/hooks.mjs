/**
 * A module loader that changes a few modules as they are loaded, so that something of the library is switched off in one process. Registered
 * before tsx, it sees the source as it is written; no TypeScript, since tsx is not there yet.
 *
 * The file `HOLDFAST_COMPAT_PATCHES` holds the patches of scripts/compat/switches.ts as JSON: `file` is absolute, `find` must be in it
 * once and becomes `replace`, `append` goes to the end.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

const patches = JSON.parse(readFileSync(process.env.HOLDFAST_COMPAT_PATCHES, "utf8"));
const standIn = fileURLToPath(new URL("./stand-in.mjs", import.meta.url));
const library = new URL("../../packages/client/src/", import.meta.url).href;

/** With a patch for it, stand-in.mjs is what the library gets for nats-core; its users, by index.ts, still get the real one. */
export async function resolve(specifier, context, next) {
  const isImport = specifier === "@nats-io/nats-core" && context.parentURL?.startsWith(library);
  const isIndex = context.parentURL?.split("?")[0] === `${library}index.ts`;
  if (!isImport || isIndex || !patches.some(({ file }) => file === standIn)) return next(specifier, context);
  return next(pathToFileURL(standIn).href, context);
}

export async function load(url, context, next) {
  const loaded = await next(url, context);
  if (!url.startsWith("file:")) return loaded;
  const path = fileURLToPath(url.split("?")[0]);
  const mine = patches.filter(({ file }) => file === path);
  return mine.length === 0 ? loaded : { ...loaded, source: mine.reduce(patched, String(loaded.source)) };
}

function patched(source, { file, find, replace = "", append = "" }) {
  if (find !== undefined && source.split(find).length !== 2) throw new Error(`${file} should have ${JSON.stringify(find)} once`);
  // A function: in a text `$` would mean something.
  return `${find === undefined ? source : source.replace(find, () => replace)}\n${append}\n`;
}

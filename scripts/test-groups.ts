import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Files below packages/ that share a process, by their path. `client/test/client` has none: its files get their servers by hooks outside of suites. */
const GROUPS: Readonly<Record<string, RegExp>> = {
  values: /^client\/test\/((bytes|protocol|inbound|stream)\/)?[^/]+$/,
  outbound: /^client\/test\/outbound\//,
  session: /^client\/test\/session\//,
  compat: /^client\/test\/integration\/compat-/,
  peers: /^client\/test\/integration\/peers-/,
  "command-line":
    /^cli\/test\/((messages|report)\/|cli\/values|demo\/(account|arrivals|oracle|payload|ranges|receipts|verdict)|pub\/(line|rate|report))/,
};
/** Looks at its own process: leaks, allocations, a blocked event loop. (And pub/pacer times itself: behind a long turn a timer comes early.) */
const ALONE = /leak|costs|sockets|stall/;
/** Takes seconds by itself: behind one another they would end after all the others. */
const LONG = /identity|window-|reference|nats-server|compat-requests|options-reconnect|peers-(frames|volume)/;
/** Hooks outside a suite would run for the tests of the other files, too. */
const HOOKS = /^(before|after)(Each)?\(/m;

/**
 * The same files, but the quick ones of a group as one module that imports them: a process of its own for each costs 0.3 s and more, as much as the tests in it
 * or several times that. The modules are written into `cache`.
 */
export function inGroups(folder: string, files: readonly string[], cache: string): string[] {
  const members = new Map<string, string[]>();
  const alone = files.filter((file) => {
    const group = groupOf(file);
    if (group === undefined || HOOKS.test(readFileSync(join(folder, file), "utf8"))) return true;
    members.set(group, [...(members.get(group) ?? []), file]);
    return false;
  });
  mkdirSync(cache, { recursive: true });
  const modules = [...members].map(([group, those]) => {
    const path = join(cache, `${group}.test.mjs`);
    writeFileSync(path, those.map((file) => `import ${JSON.stringify(pathToFileURL(join(folder, file)).href)};\n`).join(""));
    return path;
  });
  return [...modules, ...alone];
}

function groupOf(file: string): string | undefined {
  const [, path = ""] = /^packages\/(.*)$/.exec(file) ?? [];
  if (path === "" || ALONE.test(path) || LONG.test(path)) return undefined;
  return Object.entries(GROUPS).find(([, members]) => members.test(path))?.[0];
}

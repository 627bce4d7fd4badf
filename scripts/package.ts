/**
 * `npm run package`, its last part: what npm would publish, packed and installed from a registry on loopback into empty projects, under
 * every Node and every TypeScript that we say we support. Needs npm's registry; a minute at most, most of it the first time only.
 */
import { startNatsServer } from "holdfast/testing";
import { obtainNatsServer } from "./nats-server.ts";
import { tryCompilers } from "./package/compilers.ts";
import { packLibrary } from "./package/pack.ts";
import { startRegistry } from "./package/registry.ts";
import { tryRuntimes } from "./package/runtimes.ts";
import { fail, isMain } from "./shared/main.ts";

async function main(): Promise<void> {
  process.env.NATS_SERVER = (await obtainNatsServer()).path;
  const library = await packLibrary();
  await using registry = await startRegistry(library);
  await using server = await startNatsServer();
  const say = (line: string): void => console.log(line);
  say(`holdfast ${library.version}, as packed:`);
  await tryRuntimes(registry.url, server.url, say);
  await tryCompilers(registry.url, say);
}

if (isMain(import.meta.url)) await main().catch(fail);

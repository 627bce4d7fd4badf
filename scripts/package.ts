/**
 * `npm run package`, its last part: what npm would publish, looked into, weighed, and installed from a registry on loopback into empty
 * projects, under every Node and every TypeScript that we say we support. Needs npm's registry; a minute or two, most of it the first time.
 */
import { startNatsServer } from "holdfast/testing";
import { obtainNatsServer } from "./nats-server.ts";
import { tryCommandLine } from "./package/command-line.ts";
import { tryCompilers } from "./package/compilers.ts";
import { checkContents } from "./package/contents.ts";
import { packCommandLine, packLibrary } from "./package/pack.ts";
import { startRegistry } from "./package/registry.ts";
import { tryRuntimes } from "./package/runtimes.ts";
import { checkSizes, formatSizes, weigh } from "./package/size.ts";
import { fail, isMain } from "./shared/main.ts";

async function main(): Promise<void> {
  process.env.NATS_SERVER = (await obtainNatsServer()).path;
  const library = await packLibrary();
  const commandLine = await packCommandLine();
  await using registry = await startRegistry(library, commandLine);
  await using server = await startNatsServer();
  const say = (line: string): void => console.log(line);
  for (const packed of [library, commandLine]) await checkContents(packed);
  const sizes = await weigh(library, registry.url);
  say(`holdfast ${library.manifest.version}, as packed:\n${formatSizes(sizes)}`);
  checkSizes(sizes);
  await tryRuntimes(registry.url, server.url, say);
  await tryCompilers(registry.url, say);
  await tryCommandLine(commandLine, registry.url, server.url, say);
}

if (isMain(import.meta.url)) await main().catch(fail);

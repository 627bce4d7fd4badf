import assert from "node:assert/strict";
import { join } from "node:path";
import type { PackedPackage } from "./pack.ts";
import { Project } from "./project.ts";
import { runtimeRelease } from "./release.ts";
import { RELEASES } from "./runtimes.ts";

const BIN = "node_modules/.bin/holdfast";

/** Installs the packed command line into an empty project, and uses it there on a real server, on every release of Node we support. */
export async function tryCommandLine(
  { manifest }: PackedPackage,
  registryUrl: string,
  serverUrl: string,
  say: (line: string) => void,
): Promise<void> {
  const dependencies = { [manifest.name]: manifest.version };
  using project = new Project({ manifest: { name: "command-line", private: true, dependencies } });
  project.useRegistry(registryUrl);
  await project.install();
  assert.equal((await project.npm("exec", "--offline", "--", "holdfast", "--version")).trim(), manifest.version);
  for (const release of RELEASES) {
    const node = await runtimeRelease("node", release);
    if (node !== undefined) await publishes(project, node, serverUrl);
  }
  say(`${manifest.name}: npx holdfast --version; pub to sub on ${RELEASES.join(", ")}`);
}

/** What `holdfast pub` sends `holdfast sub` prints. The first asks again until the second has heard it: nobody says when it listens. */
async function publishes(project: Project, node: string, serverUrl: string): Promise<void> {
  const env = { NATS_URL: serverUrl, XDG_CONFIG_HOME: join(project.folder, "no-contexts") };
  const subscriber = project.run([BIN, "sub", "packed", "--count", "1", "--raw"], env, node);
  let heard: string | undefined;
  const printed = subscriber.then((output) => {
    heard = output;
  });
  while (heard === undefined) {
    const report = await project.run([BIN, "pub", "packed", "hello", "--json"], env, node);
    assert.match(report, /"confirmed": ?1\b/);
    await Promise.race([printed, new Promise((resolve) => setTimeout(resolve, 50))]);
  }
  assert.equal(heard, "hello\n");
}

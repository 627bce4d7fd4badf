/**
 * `npm run outage-picture`: publishes through an outage with Holdfast and with nats.js, writes what was seen into docs/images/outage.json and draws
 * docs/images/outage.svg of it, which README.md shows. With `-- --draw` it draws the last run again.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { obtainNatsServer } from "./nats-server.ts";
import { drawOutage } from "./outage-picture/draw.ts";
import { type Run, runOutage } from "./outage-picture/run.ts";
import { fail, isMain } from "./shared/main.ts";
import { root } from "./shared/node.ts";

const folder = join(root, "docs/images");

/** The run that the picture shows. */
export function lastRun(): Run {
  return JSON.parse(readFileSync(join(folder, "outage.json"), "utf8"));
}

async function main(args: readonly string[]): Promise<void> {
  if (!args.includes("--draw")) {
    process.env.NATS_SERVER = (await obtainNatsServer()).path;
    const { version } = JSON.parse(readFileSync(join(root, "node_modules/@nats-io/transport-node/package.json"), "utf8"));
    const { samples, ...rest } = await runOutage(version);
    // A sample a line, as the formatter wants it.
    const lines = samples.map((sample) => `    ${JSON.stringify(sample, null, 1).replaceAll(/\s+/g, " ")}`).join(",\n");
    const head = JSON.stringify(rest, null, 2).replace(/\n}$/, "");
    writeFileSync(join(folder, "outage.json"), `${head},\n  "samples": [\n${lines}\n  ]\n}\n`);
  }
  writeFileSync(join(folder, "outage.svg"), drawOutage(lastRun()));
}

if (isMain(import.meta.url)) await main(process.argv.slice(2)).catch(fail);

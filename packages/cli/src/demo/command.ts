import { Command, Option } from "@commander-js/extra-typings";
import { faults } from "./faults.ts";
import {
  clientNames,
  contradiction,
  type DemoOptions,
  defaultBufferBytes,
  deliveries,
  faultKinds,
  wholeNumber,
} from "./options.ts";

const description =
  "Publishes numbered messages through Holdfast and through the official client, lets the link or the server fail, " +
  "and counts what became of every message. Needs nats-server on PATH or in $NATS_SERVER.";

const afterOptions = `
Examples:
  holdfast demo
  holdfast demo --fault blackhole --stall-timeout 1000 --delivery at-least-once
  holdfast demo --buffer 2000000 --html outage.html

On a terminal both clients are shown side by side while it runs; elsewhere, with --json, and where $CI is set or $TERM is dumb,
a line a second tells where each is.

Faults (with the proxy between each client and the server):
${faultKinds.map((kind) => `  ${kind.padEnd(10)} ${faults[kind].explanation}`).join("\n")}

Exit code: 0 when Holdfast kept its promise, 1 when it lost, duplicated or reordered a message or handed one back wrongly,
2 when the run is invalid or could not be made.`;

/** The command `demo`. `run` gets validated options. */
export function demoCommand(run: (options: DemoOptions) => Promise<void>): Command {
  const command = new Command("demo")
    .description(description)
    .option("--rate <n>", "messages a second of each client", wholeNumber("rate"), 10_000)
    .option("--size <bytes>", "payload of each message, 16 or more", wholeNumber("size"), 128)
    .option("--outage <ms>", "how long the fault lasts", wholeNumber("outage"), 3_000)
    .addOption(new Option("--fault <kind>", "what goes wrong, see below").choices(faultKinds).default("rst"))
    .addOption(new Option("--delivery <level>", "Holdfast's delivery").choices(deliveries).default("at-most-once"))
    .option("--buffer <bytes>", "Holdfast's reconnect buffer", wholeNumber("buffer"), defaultBufferBytes)
    .option("--stall-timeout <ms>", "Holdfast's stallTimeout, 0 for none (default: its own)", wholeNumber("stall-timeout"))
    .addOption(new Option("--only <client>", "run one client alone").choices(clientNames))
    .option("--html <file>", "write a report with plots of the outage over time: one file, for any browser")
    .option("--json", "print exactly one JSON object on standard output, and plain lines on a terminal too", false)
    // For tests, which have no time for the whole run.
    .addOption(hidden("--lead <ms>", "publishing before the fault").argParser(wholeNumber("lead")).default(3_000))
    .addOption(hidden("--tail <ms>", "publishing after the fault").argParser(wholeNumber("tail")).default(4_000))
    .addHelpText("after", afterOptions);
  return command.action(async (given) => {
    const options: DemoOptions = {
      rate: given.rate,
      size: given.size,
      outageMs: given.outage,
      fault: given.fault,
      delivery: given.delivery,
      stallTimeoutMs: given.stallTimeout ?? null,
      bufferBytes: given.buffer,
      clients: given.only === undefined ? clientNames : [given.only],
      json: given.json,
      html: given.html ?? null,
      leadMs: given.lead,
      tailMs: given.tail,
    };
    const problem = contradiction(options);
    if (problem !== null) command.error(`error: ${problem}`);
    await run(options);
  });
}

function hidden<const Flags extends string>(flags: Flags, description: string): Option<Flags> {
  return new Option(flags, description).hideHelp();
}

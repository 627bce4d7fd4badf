import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { BenchOptions } from "./options.ts";
import { outageBenchCommand } from "./outage-command.ts";
import { pubBenchCommand, reqBenchCommand, subBenchCommand } from "./rate-commands.ts";

const afterOptions = `
Examples:
  holdfast bench pub
  holdfast bench sub --compare nats.js
  holdfast bench req --outstanding 1
  holdfast bench outage --html outage.html

\`holdfast bench <command> --help\` has the options and the exit codes. Messages go to a subject that nobody else uses, unless one is
given; how many there will be is said before the first one.`;

/** The command `bench` with its own commands. `run` gets validated options. */
export function benchCommand(run: (options: BenchOptions) => Promise<void>): CommandUnknownOpts {
  const command = new Command("bench")
    .summary("Measure rates and latencies, and what becomes of messages in an outage.")
    .description(
      "Measure how fast this machine publishes, receives and asks through a server, and what becomes of messages in an outage.",
    )
    .addHelpText("after", afterOptions);
  for (const each of [pubBenchCommand(run), subBenchCommand(run), reqBenchCommand(run), outageBenchCommand(run)])
    command.addCommand(each);
  return command;
}

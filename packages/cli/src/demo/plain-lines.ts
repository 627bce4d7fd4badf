import { tell } from "../cli/terminal.ts";
import type { DemoEvent, Sample } from "./event.ts";
import { faults } from "./faults.ts";
import type { ClientName, DemoOptions } from "./options.ts";
import { liveLine } from "./report.ts";

/** Follows a run where there is no terminal: a line for each thing that happens, and one a second and a client. */
export function plainLines(options: DemoOptions): (event: DemoEvent) => void {
  const told = new Map<ClientName, Sample>();
  return (event) => {
    switch (event.kind) {
      case "note":
        return tell(event.line);
      case "fault begins":
        return tell(`--- the fault begins (${options.fault}): ${faults[options.fault].explanation}`);
      case "fault over":
        return tell("--- the fault is over");
      case "sample": {
        const { sample } = event;
        const previous = told.get(sample.client) ?? null;
        if (secondOf(sample) <= (previous === null ? 0 : secondOf(previous))) return;
        told.set(sample.client, sample);
        return tell(liveLine({ sample, previous, bufferBytes: options.bufferBytes }));
      }
      case "start":
      case "published":
        return;
    }
  };
}

/** Samples lie near quarters of a second, a little before at times. */
function secondOf({ atMs }: Sample): number {
  return Math.floor((atMs + 100) / 1_000);
}

import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Whether the module with this `import.meta.url` is the program itself, not imported by another one. */
export function isMain(moduleUrl: string): boolean {
  const program = process.argv[1];
  return program !== undefined && realpathSync(program) === realpathSync(fileURLToPath(moduleUrl));
}

/** Ends the program with the message alone: a stack would hide it. */
export function fail(error: unknown): void {
  process.exitCode = 1;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
}

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

/** The root of the workspace, absolute. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

/** What Node has to be told to run our TypeScript. `source` makes `import "holdfast"` mean packages/client/src, so that nothing has to be built first. */
const FROM_SOURCE = ["--conditions=source", "--import", new URL("../typescript/register.mjs", import.meta.url).href] as const;

/**
 * Runs TypeScript from source: Node with `args`, at the root of the workspace, with our input and output. Resolves to its exit code, as
 * a shell counts it: 128 + n when signal n ended it.
 */
export function runFromSource(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(process.execPath, [...FROM_SOURCE, ...args], {
    cwd: root,
    env,
    stdio: "inherit",
  });
  // A terminal sends SIGINT to the child as well: wait for it to end. SIGTERM comes to us alone.
  const wait = (): void => {};
  const forward = (): void => {
    child.kill("SIGTERM");
  };
  process.on("SIGINT", wait);
  process.on("SIGTERM", forward);
  return new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(signal === null ? (code ?? 1) : 128 + constants.signals[signal]));
  }).finally(() => {
    process.off("SIGINT", wait);
    process.off("SIGTERM", forward);
  });
}

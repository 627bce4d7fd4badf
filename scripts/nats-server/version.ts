import { run } from "../shared/run.ts";

/** The release that tests and CI use. */
export const PINNED = "2.15.2";

/** The oldest server on `PATH` that is taken before we build or fetch one. */
export const WANTED = "2.10.0";

/** The oldest server that the demo runs on; Debian 12 has 2.9.10. */
export const ENOUGH = "2.9.0";

/** What a server answered when asked for its version. */
export type Answer = { readonly ok: true; readonly version: string } | { readonly ok: false; readonly problem: string };

/** Asks a nats-server for its version by running it; that also shows that it runs here. */
export async function askVersion(path: string, env: NodeJS.ProcessEnv): Promise<Answer> {
  const outcome = await run(path, ["--version"], { env, timeoutMs: 20_000 });
  if (!outcome.ok) return { ok: false, problem: `${path} does not run: ${outcome.problem}` };
  const version = /^nats-server:? v?(\d+\.\d+\.\d+\S*)/m.exec(outcome.stdout + outcome.stderr)?.[1];
  if (version === undefined)
    return { ok: false, problem: `${path} is no nats-server: --version said ${JSON.stringify(outcome.stdout.slice(0, 80))}` };
  return { ok: true, version };
}

/** Whether `version` is `floor` or newer; what follows a hyphen is left out. */
export function atLeast(version: string, floor: string): boolean {
  const [have, want] = [numbers(version), numbers(floor)];
  const at = want.findIndex((part, index) => part !== (have[index] ?? 0));
  return at === -1 || (have[at] ?? 0) > (want[at] ?? 0);
}

function numbers(version: string): number[] {
  return (version.split(/[-+]/)[0] ?? "").split(".").map(Number);
}

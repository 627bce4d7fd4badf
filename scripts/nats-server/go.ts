import { join } from "node:path";
import { executableName, findOnPath, run } from "../shared/run.ts";
import { inWorkFolder, keepInCache } from "./cache.ts";
import type { Step } from "./step.ts";
import { askVersion, atLeast, PINNED } from "./version.ts";

const GO_NEEDED = "1.26";
const BUILD_LIMIT_MS = 15 * 60_000;

/** Builds the pinned release with the Go on this machine, into the cache. */
export const fromGo: Step = async ({ env, say }) => {
  const go = findOnPath("go", env);
  if (go === undefined) return { reason: `no Go on PATH (${GO_NEEDED} or newer builds the release)` };
  const asked = await run(go, ["version"], { env, timeoutMs: 20_000 });
  const version = /\bgo(\d+\.\d+(\.\d+)?)/.exec(asked.stdout)?.[1];
  if (version === undefined) return { reason: `${go} does not tell its version${asked.ok ? "" : `: ${asked.problem}`}` };
  if (!atLeast(version, GO_NEEDED)) return { reason: `${go} is ${version}; nats-server ${PINNED} needs Go ${GO_NEEDED}` };
  say(`Building nats-server ${PINNED} with Go ${version}. This takes a minute or two, once.`);
  return await inWorkFolder(env, (folder) => build(go, folder, env));
};

async function build(go: string, folder: string, env: NodeJS.ProcessEnv): ReturnType<Step> {
  const args = ["install", "-trimpath", "-ldflags", "-s -w", `github.com/nats-io/nats-server/v2@v${PINNED}`];
  const outcome = await run(go, args, { env: buildEnvironment(env, folder), cwd: folder, timeoutMs: BUILD_LIMIT_MS });
  if (!outcome.ok) return { reason: `go install ${outcome.problem}` };
  const binary = join(folder, executableName("nats-server"));
  const answer = await askVersion(binary, env);
  if (!answer.ok) return { reason: answer.problem };
  return { path: keepInCache(binary, answer.version, env), version: answer.version, source: "go" };
}

/** Settings for work on other projects (vendoring, cross-compiling, GOPATH mode) would break the build. */
function buildEnvironment(env: NodeJS.ProcessEnv, folder: string): NodeJS.ProcessEnv {
  const { GOOS, GOARCH, GO111MODULE, ...rest } = env;
  return { ...rest, CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off", GOBIN: folder };
}

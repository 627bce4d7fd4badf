import { run } from "../shared/run.ts";

/** Quick, and nothing that a test does not look at. */
const HABITS = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", "--no-update-notifier"];
/** By default npm takes over a minute to find that there is no network. */
const RETRIES = ["--fetch-retries=3", "--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=5000"];
/** What npm says when it cannot reach its registry. */
const OFFLINE = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ENOTCACHED|FETCH_ERROR)\b/;
const LIMIT_MS = 120_000;

/** The registry cannot be reached, and the packages are not in npm's cache either. */
export class NoRegistryError extends Error {
  override readonly name = "NoRegistryError";
  /** Node's name for what is wrong. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Runs npm in `folder`. Resolves to its output; rejects with what it said, with `NoRegistryError` when there is no network. */
export async function npm(folder: string, args: readonly string[]): Promise<string> {
  // npm, when it runs us, names its own script; without it there is `npm` on PATH.
  const script = process.env.npm_execpath;
  const [program, before] = script === undefined ? ["npm", []] : [process.execPath, [script]];
  const outcome = await run(program, [...before, ...args, ...HABITS, ...RETRIES], {
    env: outsideEnv(),
    timeoutMs: LIMIT_MS,
    cwd: folder,
  });
  if (outcome.ok) return outcome.stdout;
  const said = `npm ${args.join(" ")}: ${outcome.problem}\n${outcome.stderr}\n${outcome.stdout}`;
  const offline = OFFLINE.exec(outcome.stderr);
  throw offline === null ? new Error(said) : new NoRegistryError(offline[0], said);
}

/**
 * The environment of a program that has nothing to do with this workspace: without what npm (`npm test`) and Node's test runner tell
 * their children, which would make another npm look at our package.json, and another program report to our runner.
 */
export function outsideEnv(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(npm_(lifecycle|package|config_local_prefix)|NODE_TEST_|INIT_CWD)/.test(name),
  );
  return { ...Object.fromEntries(inherited), ...more };
}

import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeScratchDirectory, type ScratchDirectory } from "../../packages/client/src/testing/process-guard.ts";
import { run } from "../shared/run.ts";
import { npm, outsideEnv } from "./npm.ts";

const LIMIT_MS = 60_000;

/** What a project is made of. */
export interface ProjectParts {
  /** Its package.json; without it, `files` has one. */
  readonly manifest?: object;
  /** A folder whose content is copied, without its node_modules. */
  readonly files?: string;
}

/** Somebody's project: a folder of its own outside the workspace, gone at the latest when this process is. */
export class Project {
  readonly folder: string;
  readonly #directory: ScratchDirectory;
  /** On the command line: an environment variable would win over an .npmrc. */
  readonly #settings: string[] = [];

  constructor({ manifest, files }: ProjectParts) {
    this.#directory = makeScratchDirectory("project-");
    this.folder = this.#directory.path;
    const wanted = (source: string): boolean => !source.endsWith("node_modules");
    if (files !== undefined) cpSync(files, this.folder, { recursive: true, filter: wanted });
    if (manifest !== undefined) this.write("package.json", `${JSON.stringify(manifest, null, 2)}\n`);
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }

  /** Lets npm ask this registry; see `startRegistry()`. */
  useRegistry(url: string): void {
    // npm would otherwise ask our registry for tarballs that lie elsewhere.
    this.#settings.push(`--registry=${url}`, "--replace-registry-host=never");
  }

  /** Lets npm take what was the newest on that day: a release of tomorrow must not change what a test sees. */
  useDay(day: string): void {
    this.#settings.push(`--before=${day}`);
  }

  /** Any other command of npm. */
  async npm(...args: readonly string[]): Promise<string> {
    return await npm(this.folder, [...args, ...this.#settings]);
  }

  /** `npm install`, with these packages if any are given. */
  async install(...packages: readonly string[]): Promise<void> {
    await npm(this.folder, ["install", ...packages, ...this.#settings]);
  }

  /** What lies in the tree under a package's name, by its place: the name and version of its own package.json, so an alias shows. */
  copies(name: string): Record<string, string> {
    const found = readdirSync(join(this.folder, "node_modules"), { recursive: true, encoding: "utf8" })
      .map((path) => `node_modules/${path.replaceAll("\\", "/")}`)
      .filter((path) => path.endsWith(`node_modules/${name}/package.json`));
    return Object.fromEntries(found.map((path) => [path.slice(0, -"/package.json".length), this.#versionIn(path)]));
  }

  /** Runs a program in the project, by default with this Node. Resolves to what it wrote; rejects with what it complained about. */
  async run(args: readonly string[], env: NodeJS.ProcessEnv = {}, program: string = process.execPath): Promise<string> {
    const outcome = await run(program, args, { env: outsideEnv(env), timeoutMs: LIMIT_MS, cwd: this.folder });
    if (!outcome.ok) throw new Error(`${args.join(" ")}: ${outcome.problem}\n${outcome.stderr}\n${outcome.stdout}`);
    return outcome.stdout;
  }

  #versionIn(path: string): string {
    const { name, version } = JSON.parse(readFileSync(join(this.folder, path), "utf8")) as { name: string; version: string };
    return `${name}@${version}`;
  }

  /** Removes the folder. */
  [Symbol.dispose](): void {
    this.#directory.remove();
  }
}

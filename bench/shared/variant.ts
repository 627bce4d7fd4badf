import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../scripts/shared/node.ts";

/** A change of one source file: `from` stands there exactly once. */
export interface Patch {
  /** Relative to packages/client/src. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** Holdfast without something, to see what that costs: the library needs no switch for it. Gone with this process or at `dispose()`. */
export class Variant {
  /** What to import in place of `holdfast`. */
  readonly entry: string;
  readonly #directory: string;

  /** Copies the source and changes it. Throws when a patch does not find its place: the source has moved on. */
  constructor(patches: readonly Patch[]) {
    this.#directory = mkdtempSync(join(tmpdir(), "holdfast-variant-"));
    const client = join(root, "packages/client");
    cpSync(join(client, "src"), join(this.#directory, "src"), { recursive: true });
    cpSync(join(client, "package.json"), join(this.#directory, "package.json"));
    symlinkSync(join(root, "node_modules"), join(this.#directory, "node_modules"));
    this.entry = join(this.#directory, "src/index.ts");
    process.once("exit", () => this.dispose());
    for (const patch of patches) this.#apply(patch);
  }

  dispose(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #apply({ file, from, to }: Patch): void {
    const path = join(this.#directory, "src", file);
    const parts = readFileSync(path, "utf8").split(from);
    if (parts.length !== 2) throw new Error(`${file}: ${JSON.stringify(from)} stands there ${parts.length - 1} times, not once`);
    writeFileSync(path, parts.join(to));
  }
}

/** No window: all that the kernel takes may be in flight. A fence each MiB, and retention, stay. Needs `maxInFlight: WITHOUT_WINDOW`. */
export const withoutWindow: readonly Patch[] = [
  {
    file: "outbound/window.ts",
    from: "SMALLEST_WINDOW: number = 64 * 1024;",
    to: "SMALLEST_WINDOW: number = 1024 * 1024 * 1024;",
  },
];

/** Nothing is retained and no fence goes out by itself, so nothing is ever in doubt: what the kernel took is forgotten. */
export const withoutFences: readonly Patch[] = [
  ...withoutWindow,
  {
    file: "outbound/fences.ts",
    from: "return this.room <= 0 || now - this.#lastAt >= this.#delay;",
    to: "return false;",
  },
  {
    file: "outbound/fences.ts",
    from: "return this.#window.quarter - (this.#handedOver - this.#fencedAt);",
    to: "return Infinity;",
  },
  { file: "outbound/fences.ts", from: "if (this.#timer !== undefined || this.#forced", to: "if (now > 0 || this.#forced" },
  {
    file: "outbound/writer.ts",
    from: "if (taken) this.#outstanding = undefined;",
    to: "if (taken) this.taken();",
  },
  {
    file: "outbound/writer.ts",
    from: "  taken(): void {\n    this.#outstanding = undefined;",
    to: "  taken(): void {\n    this.#outstanding = undefined;\n    if (this.#long === undefined) this.#log.confirmTo(still(this.#log.written));",
  },
];

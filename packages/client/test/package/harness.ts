import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { NoRegistryError } from "../../../../scripts/package/npm.ts";

/** Programs of users, to be copied into their projects. */
export const programs: string = fileURLToPath(new URL("programs", import.meta.url));

/** For every test of these files: npm on a busy machine, with an empty cache. */
export const limit = { timeout: 150_000 } as const;

/** What was wrong with the registry when this file last needed it: npm takes its time to find out. */
let missing: string | undefined;

/** Runs a test that needs npm's registry. Without network it is skipped, with the reason; not in CI, where there must be one. */
export async function withRegistry(t: TestContext, test: () => Promise<void>): Promise<void> {
  try {
    if (missing === undefined) return await test();
  } catch (error) {
    if (!(error instanceof NoRegistryError) || process.env.CI !== undefined) throw error;
    missing = error.code;
  }
  t.skip(`needs npm's registry, which cannot be reached (${missing})`);
}

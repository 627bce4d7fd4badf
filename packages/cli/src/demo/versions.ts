import { createRequire } from "node:module";

/** The version in the package.json of an installed package. */
export function installedVersion(packageName: string): string {
  const manifest: unknown = createRequire(import.meta.url)(`${packageName}/package.json`);
  if (typeof manifest === "object" && manifest !== null && "version" in manifest) return String(manifest.version);
  throw new Error(`${packageName} has no version`);
}

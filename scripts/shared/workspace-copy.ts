import { cpSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { root } from "./node.ts";

/** Copies the library and its tests to `to`, where they run as here, and may be changed: a way to see what a change does to the tests. */
export function copyWorkspace(to: string): void {
  for (const path of ["package.json", "tsconfig.base.json", "packages/client/package.json"]) copyFrom(path, to);
  for (const path of ["packages/client/src", "packages/client/test"]) copyFrom(path, to);
  symlinkSync(join(root, "node_modules"), join(to, "node_modules"));
}

function copyFrom(path: string, to: string): void {
  mkdirSync(join(to, path, ".."), { recursive: true });
  cpSync(join(root, path), join(to, path), { recursive: true });
}

import { closeSync, openSync, writeFileSync } from "node:fs";

/** Opens the file before the run, so that it does not fail at the end of it. Throws with one line. What is returned writes it. */
export function claimFile(option: string, path: string): (text: string) => void {
  try {
    closeSync(openSync(path, "a"));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new Error(`${option}: cannot write ${path} (${code})`);
  }
  return (text) => writeFileSync(path, text);
}

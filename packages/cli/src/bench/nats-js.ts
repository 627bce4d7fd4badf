import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the official client was found. */
export interface NatsJsPlace {
  /** A file beside which `require("@nats-io/transport-node")` finds it. */
  readonly from: string;
  readonly version: string;
}

/** Its name on npm. */
export const officialPackage = "@nats-io/transport-node";

/**
 * Looks for the official client: in the project of the working directory first, whose version is the one that its user wants to know
 * about, then beside this program. Throws with one line that says how to install it.
 *
 * @param places files or folders (with a separator at the end) beside which to look
 */
export function findNatsJs(places: readonly string[] = [join(process.cwd(), "/"), fileURLToPath(import.meta.url)]): NatsJsPlace {
  for (const from of places) {
    const require = createRequire(from);
    try {
      const manifest: unknown = require(`${officialPackage}/package.json`);
      if (typeof manifest === "object" && manifest !== null && "version" in manifest)
        return { from, version: String(manifest.version) };
    } catch {
      // Not here.
    }
  }
  throw new Error(
    `--compare nats.js: ${officialPackage} is not installed: run \`npm install ${officialPackage}\` in ${dirname(join(places[0] ?? ".", "x"))} or beside holdfast-cli`,
  );
}

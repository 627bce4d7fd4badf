#!/usr/bin/env node
// Not dist/main.js itself: npm makes no link to a file that is built only after the installation.
import { existsSync } from "node:fs";

if (existsSync(new URL("../dist/main.js", import.meta.url))) await import("../dist/main.js");
else {
  process.stderr.write("holdfast: not built yet: run `npm run build` first\n");
  process.exitCode = 2;
}

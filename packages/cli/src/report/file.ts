import { accessSync, constants, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { htmlReport } from "./html.ts";
import type { Report } from "./report.ts";

/** Throws in one line when a report could not be written to `path`: to be asked before a run that takes its time. */
export function checkReportPath(path: string): void {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there?.isDirectory() === true) throw new Error("it is a directory");
    accessSync(there === undefined ? dirname(path) : path, constants.W_OK);
  } catch (error) {
    throw new Error(`cannot write the report to ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Writes the report as one HTML file. */
export function writeReport(path: string, report: Report): void {
  writeFileSync(path, htmlReport(report));
}

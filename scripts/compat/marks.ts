import { appendFileSync } from "node:fs";

/** What a process with something switched off says: that it is off, and that somebody came to where it is off. */
export type Mark = "off" | "met";

/** Thrown where something is switched off. */
export class SwitchedOff extends Error {
  constructor(what: string) {
    super(`${what} is switched off`);
    this.name = "SwitchedOff";
  }
}

const said = new Set<string>();

/** Writes a mark, once, to the file that `HOLDFAST_COMPAT_MARKS` names. */
export function mark(what: Mark): void {
  const file = process.env.HOLDFAST_COMPAT_MARKS;
  if (file === undefined) throw new Error("HOLDFAST_COMPAT_MARKS is not set");
  if (said.has(`${what} ${file}`)) return;
  said.add(`${what} ${file}`);
  appendFileSync(file, `${what}\n`);
}

/** Somebody asks for what is off. */
export function refuse(what: PropertyKey): never {
  mark("met");
  throw new SwitchedOff(String(what));
}

import { headers, type MsgHdrs } from "holdfast";

/** The headers that `--header NAME:VALUE` gave, as in the `nats` tool; undefined for none. Throws for one that cannot be. */
export function parseHeaders(given: readonly string[] | undefined): MsgHdrs | undefined {
  if (given === undefined || given.length === 0) return undefined;
  const parsed = headers();
  for (const text of given) {
    const colon = text.indexOf(":");
    const name = text.slice(0, colon).trim();
    if (colon < 1 || name === "")
      throw new Error(`--header ${JSON.stringify(text)}: must be NAME:VALUE, such as "Content-Type:text/plain"`);
    append(parsed, name, text.slice(colon + 1).trim(), `--header ${JSON.stringify(text)}`);
  }
  return parsed;
}

/** Headers as an object of lists, as they stand in JSON. */
export function headersToObject(all: MsgHdrs): Record<string, string[]> {
  // Without a prototype: "__proto__" is a name like any other.
  const object: Record<string, string[]> = Object.create(null);
  for (const [name, values] of all) object[name] = [...(object[name] ?? []), ...values];
  return object;
}

/** The other way. `where` begins the errors. */
export function headersFromObject(object: Readonly<Record<string, unknown>>, where: string): MsgHdrs | undefined {
  const names = Object.keys(object);
  if (names.length === 0) return undefined;
  const parsed = headers();
  for (const name of names) {
    const value = object[name];
    for (const each of Array.isArray(value) ? value : [value]) {
      if (typeof each !== "string") throw new Error(`${where} ${JSON.stringify(name)} must be a string or a list of strings`);
      append(parsed, name, each, `${where} ${JSON.stringify(name)}`);
    }
  }
  return parsed;
}

function append(all: MsgHdrs, name: string, value: string, where: string): void {
  try {
    all.append(name, value);
  } catch (error) {
    throw new Error(`${where}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

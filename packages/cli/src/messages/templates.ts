import { randomUUID } from "node:crypto";
import { nuid } from "holdfast";

/** For the end of a command's help. */
export const templateHelp =
  "Filled in in [data]: {{Count}}, {{ID}}, {{UUID}}, {{Unix}}, {{UnixNano}}, {{TimeStamp}}, {{Time}}, {{Random 10 100}}";

/**
 * Fills in the template functions of the `nats` tool: `{{Count}}`, `{{ID}}`, `{{UUID}}`, `{{Unix}}`, `{{UnixNano}}`, `{{TimeStamp}}`,
 * `{{Time}}`, `{{Random 10 100}}`, and `{{Request}}` in answers. What it does not know stays as it is (the `nats` tool refuses it).
 */
export function fillTemplate(text: string, count: number, request?: string): string {
  if (!text.includes("{{")) return text;
  return text.replace(/\{\{\s*(\w+)((?:\s+\d+)*)\s*\}\}/g, (whole, name: string, args: string) => {
    const numbers = args
      .split(/\s+/)
      .filter((arg) => arg !== "")
      .map(Number);
    return templateValue(name, numbers, count, request) ?? whole;
  });
}

function templateValue(
  name: string,
  [least = 0, most = 0]: readonly number[],
  count: number,
  request: string | undefined,
): string | undefined {
  const now = new Date();
  switch (name) {
    case "Count":
    case "Cnt":
      return String(count);
    case "ID":
      return nuid.next();
    case "UUID":
      return randomUUID();
    case "Unix":
      return String(Math.floor(now.getTime() / 1000));
    case "UnixNano":
      return `${now.getTime()}000000`;
    case "TimeStamp":
      return now.toISOString();
    case "Time":
      return now.toLocaleTimeString("en-US", { hour: "numeric", minute: "2-digit" }).replace(" ", "");
    case "Random":
      return randomText(Math.min(least, most), Math.max(least, most));
    case "Request":
      return request;
    default:
      return undefined;
  }
}

/** Both lengths are bounded: `{{Random 1 1000000000}}` must not take all memory. */
function randomText(least: number, most: number): string {
  const longest = Math.min(most, greatestRandom);
  const length = Math.min(least, longest) + Math.floor(Math.random() * (longest - Math.min(least, longest) + 1));
  return Array.from({ length }, () => letters[Math.floor(Math.random() * letters.length)]).join("");
}

const greatestRandom = 1024 * 1024;
const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

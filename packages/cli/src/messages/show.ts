import type { Msg } from "holdfast";
import { headersToObject } from "./headers.ts";
import { toRecord } from "./record.ts";

/** How messages are printed: as the `nats` tool does, the data alone, or one JSON object a line. */
export type ShowAs = "text" | "raw" | "json";

/** What is to be written for one message. `heading`: its first line as text, without its end. */
export function show(msg: Msg, as: ShowAs, heading: string, headersOnly = false): string | Uint8Array {
  switch (as) {
    case "raw":
      return Buffer.concat([msg.data, newline]);
    case "json":
      return `${toRecord({ subject: msg.subject, data: msg.data, ...replyOf(msg), ...headersOf(msg) })}\n`;
    case "text":
      return Buffer.concat([
        Buffer.from(`${heading}\n${headerLines(msg)}`),
        ...(headersOnly ? [] : [msg.data, newline]),
        newline,
      ]);
  }
}

/** From the flags of a command; --json goes before --raw. */
export function showAs(raw: boolean, json: boolean): ShowAs {
  return json ? "json" : raw ? "raw" : "text";
}

function headerLines(msg: Msg): string {
  if (msg.headers === undefined) return "";
  const lines = Object.entries(headersToObject(msg.headers)).flatMap(([name, values]) =>
    values.map((value) => `${name}: ${value}\n`),
  );
  return lines.length === 0 ? "" : `${lines.join("")}\n`;
}

function replyOf({ reply }: Msg): { readonly reply?: string } {
  return reply === undefined || reply === "" ? {} : { reply };
}

function headersOf({ headers }: Msg): { readonly headers?: NonNullable<Msg["headers"]> } {
  return headers === undefined ? {} : { headers };
}

const newline = Buffer.from("\n");

/** The operations a server sends. */
export type Verb = "INFO" | "MSG" | "HMSG" | "PING" | "PONG" | "+OK" | "-ERR";

/**
 * Which operation begins at `at`, in either case; `"unfinished"` when `end` comes too early to tell, `"unknown"` when no byte to come could
 * make it one. A verb ends at a space, a tab or the line end.
 */
export function verbAt(bytes: Uint8Array, at: number, end: number): Verb | "unfinished" | "unknown" {
  let verdict: "unfinished" | "unknown" = "unknown";
  for (const verb of VERBS) {
    const match = matchVerb(verb, bytes, at, end);
    if (match === "whole") return verb;
    if (match === "beginning") verdict = "unfinished";
  }
  return verdict;
}

function matchVerb(verb: Verb, bytes: Uint8Array, at: number, end: number): "whole" | "beginning" | "no" {
  for (let i = 0; i < verb.length; i++) {
    if (at + i >= end) return "beginning";
    if (upperCase(bytes[at + i] ?? 0) !== verb.charCodeAt(i)) return "no";
  }
  const behind = at + verb.length;
  if (behind >= end) return "beginning";
  return isSeparator(bytes[behind] ?? 0) ? "whole" : "no";
}

function upperCase(byte: number): number {
  return byte >= 97 && byte <= 122 ? byte - 32 : byte;
}

function isSeparator(byte: number): boolean {
  return byte === 32 || byte === 9 || byte === 13 || byte === 10;
}

const VERBS: readonly Verb[] = ["PING", "PONG", "+OK", "-ERR", "INFO", "MSG", "HMSG"];

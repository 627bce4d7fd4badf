/** A message that the server refused, as its `-ERR` names it. */
export interface PublishRefusal {
  /** What the name is: the subject of the message, or its reply. */
  readonly of: "subject" | "reply";
  readonly name: string;
}

/**
 * Reads `Permissions Violation for Publish to "S"` and `Permissions Violation for Publish with Reply of "R"`; `undefined` for any other
 * `-ERR`. The server quotes with Go's `%q`. (nats-core's `PermissionViolationError` gives no subject for the second, and leaves the escapes.)
 */
export function parsePublishRefusal(text: string): PublishRefusal | undefined {
  const match = /^'?permissions violation for publish (to|with reply of) "(.*)"/is.exec(text);
  const [, of, quoted] = match ?? [];
  if (of === undefined || quoted === undefined) return undefined;
  return { of: of.toLowerCase() === "to" ? "subject" : "reply", name: unquote(quoted) };
}

/** What Go's `strconv.Quote()` escaped. `\x` stands for control characters, and for bytes that are no UTF-8. */
function unquote(quoted: string): string {
  return quoted.replace(ESCAPES, (_all, bytes, short, long, char) => {
    if (bytes !== undefined) return decodeBytes(bytes);
    if (char !== undefined) return CONTROLS[char] ?? char;
    return String.fromCodePoint(Number.parseInt(short ?? long, 16));
  });
}

function decodeBytes(escapes: string): string {
  return new TextDecoder().decode(Uint8Array.from(escapes.split("\\x").slice(1), (hex) => Number.parseInt(hex, 16)));
}

const ESCAPES = /((?:\\x[0-9a-f]{2})+)|\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|(.))/g;
const CONTROLS: Readonly<Record<string, string>> = { a: "\x07", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

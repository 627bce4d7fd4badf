/** A test that ended, as scripts/test-results.mjs wrote it. */
export interface TestResult {
  readonly name: string;
  /** With slashes; empty where the runner does not say. */
  readonly file: string;
  readonly outcome: "passed" | "failed" | "skipped" | "todo";
}

/** Reads what the reporter wrote. Throws a `SyntaxError` or `TypeError` for anything else. */
export function parseResults(text: string): TestResult[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => decodeResult(JSON.parse(line)));
}

/** Reads one line of that; undefined for what a test wrote to the same place. */
export function parseResult(line: string): TestResult | undefined {
  try {
    return decodeResult(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function decodeResult(value: unknown): TestResult {
  if (typeof value === "object" && value !== null && "type" in value && "name" in value) {
    const { type, name } = value;
    const file = "file" in value && typeof value.file === "string" ? value.file.replaceAll("\\", "/") : "";
    if (typeof name === "string" && (type === "test:pass" || type === "test:fail"))
      return { name, file, outcome: outcomeOf(type, value) };
  }
  throw new TypeError(`not a test result: ${JSON.stringify(value)}`);
}

/** `skip` and `todo` hold a reason, which may be empty, or true; without them they are absent or false. */
function outcomeOf(type: "test:pass" | "test:fail", value: object): TestResult["outcome"] {
  if ("skip" in value && value.skip !== false) return "skipped";
  if ("todo" in value && value.todo !== false) return "todo";
  return type === "test:pass" ? "passed" : "failed";
}

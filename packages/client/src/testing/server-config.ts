/** A value in a nats-server configuration. */
export type ServerConfigValue = string | number | boolean | readonly ServerConfigValue[] | ServerConfig;

/**
 * A nats-server configuration as an object, in the server's own names: `{ max_payload: 65536, ping_interval: "2s" }`. Sizes are
 * numbers of bytes; the server does not take `"1MB"` in quotes. Durations are strings with a unit.
 */
export interface ServerConfig {
  readonly [key: string]: ServerConfigValue;
}

/**
 * The text of a configuration file. Text is passed through. An object becomes one `"key": value` line for each key: the server
 * reads JSON values, but servers before 2.10 not a file that is one JSON object.
 *
 * Throws a `TypeError` that names the path of a value the format cannot express (`NaN`, control characters, functions, `null`).
 */
export function renderServerConfig(config: string | ServerConfig): string {
  if (typeof config === "string") return config;
  return Object.entries(config)
    .map(([key, value]) => `${renderString(key, key)}: ${renderValue(value, key)}\n`)
    .join("");
}

function renderValue(value: unknown, path: string): string {
  if (typeof value === "string") return renderString(value, path);
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number" && Number.isFinite(value)) return renderNumber(value, path);
  if (Array.isArray(value)) return `[${value.map((item, index) => renderValue(item, `${path}[${index}]`)).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(
      ([key, item]) => `${renderString(key, path)}: ${renderValue(item, `${path}.${key}`)}`,
    );
    return `{ ${entries.join(", ")} }`;
  }
  throw unsupported(value, path);
}

/** Not `String()`: it writes 1e21 for large numbers, which the server reads as a string. */
function renderNumber(value: number, path: string): string {
  if (Math.abs(value) >= 1e21) throw unsupported(value, path);
  const text = String(value);
  return text.includes("e") ? value.toFixed(20) : text;
}

/** The server knows \" \\ \n \r \t inside double quotes, but not JSON's \u escapes. */
function renderString(value: string, path: string): string {
  const text = JSON.stringify(value);
  if (/\\[ubf]/.test(text.replaceAll("\\\\", ""))) throw unsupported(value, path);
  return text;
}

function unsupported(value: unknown, path: string): TypeError {
  return new TypeError(`the server configuration has no way to write ${JSON.stringify(value) ?? String(value)} at "${path}"`);
}

import { readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** What a context file of the `nats` tool says, as far as we use it. A field that is empty there is absent here. */
export interface ContextFile {
  readonly name: string;
  readonly url?: string;
  readonly token?: string;
  readonly user?: string;
  readonly password?: string;
  /** A path, as `nkey`, `cert`, `key` and `ca` are. */
  readonly creds?: string;
  readonly nkey?: string;
  readonly userJwt?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly ca?: string;
  readonly inboxPrefix?: string;
  readonly jetStreamDomain?: string;
  readonly jetStreamApiPrefix?: string;
  readonly tlsFirst: boolean;
}

/** Where they can be found; `null` when the name was not given and none is selected. */
export function readContext(name: string | undefined, env: NodeJS.ProcessEnv = process.env): ContextFile | null {
  const folder = natsFolder(env);
  const selected = name ?? selectedContext(folder);
  if (selected === "") return null;
  const how = name === undefined ? `the selected context (in ${join(folder, "context.txt")})` : "--context";
  if (!isName(selected))
    throw new Error(`${how}: ${JSON.stringify(selected)} is no name of a context: it must not have "/", "\\" or ".."`);
  const file = join(folder, "context", `${selected}.json`);
  return { name: selected, ...contentOf(file, readText(file, selected, how, env)) };
}

/** The names of all contexts, sorted. */
export function contextNames(env: NodeJS.ProcessEnv = process.env): string[] {
  try {
    const files = readdirSync(join(natsFolder(env), "context"));
    return files.flatMap((file) => (file.endsWith(".json") ? [file.slice(0, -".json".length)] : [])).sort();
  } catch {
    // There is no such folder.
    return [];
  }
}

function natsFolder(env: NodeJS.ProcessEnv): string {
  const config = env.XDG_CONFIG_HOME;
  return join(config === undefined || config === "" ? join(env.HOME || homedir(), ".config") : config, "nats");
}

function selectedContext(folder: string): string {
  try {
    return readFileSync(join(folder, "context.txt"), "utf8").trim();
  } catch {
    return "";
  }
}

function isName(name: string): boolean {
  return name !== "" && !name.includes("..") && !/[\\/\0]/.test(name);
}

function readText(file: string, name: string, how: string, env: NodeJS.ProcessEnv): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (code !== "ENOENT") throw new Error(`${how}: cannot read ${file} (${code})`);
    const names = contextNames(env);
    const others = names.length === 0 ? "there is none: make one with `nats context add`" : `there are: ${names.join(", ")}`;
    throw new Error(`${how}: there is no context ${JSON.stringify(name)} (${file}); ${others}`);
  }
}

/** Errors tell the name of a field, never its value. */
function contentOf(file: string, text: string): Omit<ContextFile, "name"> {
  const fields = fieldsOf(file, text);
  for (const [field, instead] of Object.entries(unsupported)) {
    if (field in fields && fields[field] !== "")
      throw new Error(`${file}: holdfast does not know ${JSON.stringify(field)}: ${instead}`);
  }
  const word = <Key extends string>(key: Key, field: string): { readonly [key in Key]?: string } => {
    const value = fields[field] ?? "";
    if (typeof value !== "string") throw new Error(`${file}: ${JSON.stringify(field)} must be a string`);
    // A computed key has no narrower type than string.
    return value === "" ? {} : ({ [key]: value } as { readonly [key in Key]?: string });
  };
  return {
    ...word("url", "url"),
    ...word("token", "token"),
    ...word("user", "user"),
    ...word("password", "password"),
    ...word("creds", "creds"),
    ...word("nkey", "nkey"),
    ...word("userJwt", "user_jwt"),
    ...word("cert", "cert"),
    ...word("key", "key"),
    ...word("ca", "ca"),
    ...word("inboxPrefix", "inbox_prefix"),
    ...word("jetStreamDomain", "jetstream_domain"),
    ...word("jetStreamApiPrefix", "jetstream_api_prefix"),
    tlsFirst: fields.tls_first === true,
  };
}

function fieldsOf(file: string, text: string): Readonly<Record<string, unknown>> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    // The parser's own error quotes the text, which may be a password.
    throw new Error(`${file} is not JSON`);
  }
  if (typeof content === "object" && content !== null && !Array.isArray(content)) return { ...content };
  throw new Error(`${file} is not a JSON object`);
}

/** Fields that change where or how to connect: to ignore them would connect to something else. */
const unsupported: Readonly<Record<string, string>> = {
  nsc: "give the credentials file that `nsc generate creds` makes, in the field creds or with --creds",
  socks_proxy: "it connects without a SOCKS proxy only",
  windows_cert_store: "give the certificates as files, in the fields cert, key and ca",
};

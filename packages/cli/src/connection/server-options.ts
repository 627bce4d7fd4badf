import { Option } from "@commander-js/extra-typings";
import type { OptionTaker } from "../cli/option-taker.ts";
import { duration } from "../cli/values.ts";
import { readContext } from "./context-file.ts";

/** Where to connect and as whom, from options, environment and context file together. Secrets stand in it. */
export interface ServerSettings {
  /** As they were given, not empty. */
  readonly servers: readonly string[];
  readonly credentials: Credentials;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly caFile?: string;
  readonly tlsFirst: boolean;
  /** Milliseconds for connecting, and for an answer. */
  readonly timeoutMs: number;
  readonly name: string;
  readonly inboxPrefix?: string;
  readonly jetStreamDomain?: string;
  readonly jetStreamApiPrefix?: string;
}

/** One kind of credentials. Paths as they were given. */
export type Credentials =
  | { readonly kind: "none" }
  | { readonly kind: "user"; readonly user: string; readonly password: string }
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "creds"; readonly file: string }
  | { readonly kind: "nkey"; readonly file: string }
  | { readonly kind: "jwt"; readonly jwt: string; readonly nkeyFile: string | null };

/** Adds the options that every command which connects has: names and environment as in the `nats` tool. */
export function addServerOptions(command: OptionTaker): void {
  command.optionsGroup("Server and credentials:");
  for (const option of serverOptions()) command.addOption(option);
}

/** What was given, in the order: options, environment, context file. Throws when that cannot be. */
export function readServerSettings(given: Readonly<Record<string, unknown>>, defaultName: string): ServerSettings {
  const text = (name: string): string | undefined => {
    const value = given[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  // Commander's name for --no-context is the option --context set to false.
  const context = given.context === false ? null : readContext(text("context"));
  const certFile = text("tlscert") ?? context?.cert;
  const keyFile = text("tlskey") ?? context?.key;
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new Error("--tlscert and --tlskey belong together: give both, or neither");
  const caFile = text("tlsca") ?? context?.ca;
  const inboxPrefix = text("inboxPrefix") ?? context?.inboxPrefix;
  const jetStreamDomain = text("jsDomain") ?? context?.jetStreamDomain;
  const jetStreamApiPrefix = text("jsApiPrefix") ?? context?.jetStreamApiPrefix;
  return {
    servers: serversIn(text("server") ?? context?.url ?? defaultServer),
    credentials: ownCredentials(text) ?? contextCredentials(context),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
    ...(caFile === undefined ? {} : { caFile }),
    tlsFirst: given.tlsfirst === true || context?.tlsFirst === true,
    timeoutMs: typeof given.timeout === "number" ? given.timeout : 5_000,
    name: text("connectionName") ?? defaultName,
    ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
    ...(jetStreamDomain === undefined ? {} : { jetStreamDomain }),
    ...(jetStreamApiPrefix === undefined ? {} : { jetStreamApiPrefix }),
  };
}

function serverOptions(): Option[] {
  return [
    new Option("-s, --server <urls>", "servers, separated by commas (default: the context's, else 127.0.0.1:4222)").env(
      "NATS_URL",
    ),
    new Option("--context <name>", "a context of the nats tool (default: the selected one)").env("NATS_CONTEXT"),
    new Option("--no-context", "without the selected context"),
    new Option("--creds <file>", "credentials file").env("NATS_CREDS"),
    new Option("--nkey <file>", "file with an nkey seed").env("NATS_NKEY"),
    new Option("--user <user>", "user name; without a password it is a token").env("NATS_USER"),
    new Option("--password <password>", "password").env("NATS_PASSWORD"),
    new Option("--token <token>", "token").env("NATS_TOKEN"),
    new Option("--tlscert <file>", "certificate of this client, PEM").env("NATS_CERT"),
    new Option("--tlskey <file>", "its private key, PEM").env("NATS_KEY"),
    new Option("--tlsca <file>", "certificates of the authority, PEM").env("NATS_CA"),
    new Option("--tlsfirst", "TLS before the server's greeting"),
    new Option("--timeout <duration>", "how long to wait for the server, or for an answer")
      .env("NATS_TIMEOUT")
      .argParser(duration(1))
      .default(5_000, "5s"),
    new Option("--connection-name <name>", "the connection's name in the server's monitoring"),
    new Option("--inbox-prefix <prefix>", "what inboxes begin with"),
  ];
}

type Text = (name: string) => string | undefined;

/** Those of options and environment; undefined where there are none, and then the context's count. */
function ownCredentials(text: Text): Credentials | undefined {
  const [user, password, token, creds, nkey] = ["user", "password", "token", "creds", "nkey"].map(text);
  const given = ["user", "token", "creds", "nkey"].flatMap((name) => (text(name) === undefined ? [] : [`--${name}`]));
  if (given.length > 1) throw new Error(`${given.join(" and ")}: give one of them (the environment counts, too)`);
  if (password !== undefined && user === undefined) throw new Error("--password needs --user");
  if (user !== undefined) return password === undefined ? { kind: "token", token: user } : { kind: "user", user, password };
  if (token !== undefined) return { kind: "token", token };
  if (creds !== undefined) return { kind: "creds", file: creds };
  return nkey === undefined ? undefined : { kind: "nkey", file: nkey };
}

/** In the `nats` tool's order, where a file has several. */
function contextCredentials(context: ReturnType<typeof readContext>): Credentials {
  if (context?.user !== undefined) return { kind: "user", user: context.user, password: context.password ?? "" };
  if (context?.creds !== undefined) return { kind: "creds", file: context.creds };
  if (context?.userJwt !== undefined) return { kind: "jwt", jwt: context.userJwt, nkeyFile: context.nkey ?? null };
  if (context?.nkey !== undefined) return { kind: "nkey", file: context.nkey };
  return context?.token === undefined ? { kind: "none" } : { kind: "token", token: context.token };
}

function serversIn(urls: string): string[] {
  const servers = urls
    .split(",")
    .map((url) => url.trim())
    .filter((url) => url !== "");
  if (servers.length === 0) throw new Error("--server must name a server, such as nats://127.0.0.1:4222");
  if (servers.some((url) => /^wss?:\/\//i.test(url)))
    throw new Error(
      "--server: holdfast speaks NATS over TCP and TLS, not over WebSocket: give nats://host:port or tls://host:port",
    );
  return servers;
}

const defaultServer = "127.0.0.1:4222";

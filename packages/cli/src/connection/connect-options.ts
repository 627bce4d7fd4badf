import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import {
  type Authenticator,
  credsAuthenticator,
  type HoldfastOptions,
  jwtAuthenticator,
  type NodeTlsOptions,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from "holdfast";
import type { Credentials, ServerSettings } from "./server-options.ts";

/** The options of `connect()` for these settings. Reads the credentials' files, and throws when they cannot be read. */
export function connectOptions(settings: ServerSettings): HoldfastOptions {
  const authenticator = authenticatorFor(settings.credentials);
  const tls = tlsOptions(settings);
  return {
    servers: [...settings.servers],
    timeout: settings.timeoutMs,
    name: settings.name,
    ...(authenticator === undefined ? {} : { authenticator }),
    ...(tls === undefined ? {} : { tls }),
    ...(settings.inboxPrefix === undefined ? {} : { inboxPrefix: settings.inboxPrefix }),
  };
}

/** The servers as they may be shown: without what stands before an `@`. */
export function shownServers(settings: Pick<ServerSettings, "servers">): string {
  return settings.servers.map((url) => url.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/i, "$1")).join(", ");
}

function authenticatorFor(credentials: Credentials): Authenticator | undefined {
  switch (credentials.kind) {
    case "none":
      return undefined;
    case "user":
      return usernamePasswordAuthenticator(credentials.user, credentials.password);
    case "token":
      return tokenAuthenticator(credentials.token);
    case "creds":
      return credsAuthenticator(readCreds(credentials.file));
    case "nkey":
      return nkeyAuthenticator(readSeed(credentials.file));
    case "jwt":
      return jwtAuthenticator(credentials.jwt, credentials.nkeyFile === null ? undefined : readSeed(credentials.nkeyFile));
  }
}

/** `undefined`: TLS where the server offers it. */
function tlsOptions(settings: ServerSettings): NodeTlsOptions | undefined {
  const { certFile, keyFile, caFile, tlsFirst, servers } = settings;
  const options: NodeTlsOptions = {
    ...(certFile === undefined ? {} : { certFile: readable("--tlscert", certFile) }),
    ...(keyFile === undefined ? {} : { keyFile: readable("--tlskey", keyFile) }),
    ...(caFile === undefined ? {} : { caFile: readable("--tlsca", caFile) }),
    ...(tlsFirst ? { handshakeFirst: true } : {}),
  };
  // Whoever writes tls:// must not end up sending a password in the clear.
  const isAsked = servers.some((url) => /^tls:\/\//i.test(url));
  return isAsked || Object.keys(options).length > 0 ? options : undefined;
}

function readCreds(file: string): Uint8Array {
  const content = read("--creds", file);
  if (/BEGIN NATS USER JWT/.test(content) && /BEGIN USER NKEY SEED/.test(content)) return new TextEncoder().encode(content);
  throw new Error(
    `--creds: ${file} is not a credentials file: it has no user JWT and nkey seed as \`nsc generate creds\` writes them`,
  );
}

function readSeed(file: string): Uint8Array {
  const seed = /^\s*(S[A-Z2-7]{57})\s*$/m.exec(read("--nkey", file))?.[1];
  if (seed !== undefined) return new TextEncoder().encode(seed);
  throw new Error(`--nkey: ${file} has no nkey seed: a line of 58 characters that begins with S`);
}

/** The path, tried: Node's own errors at the dial come late, and again and again. */
function readable(option: string, file: string): string {
  read(option, file);
  return expanded(file);
}

function read(option: string, file: string): string {
  try {
    return readFileSync(expanded(file), "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new Error(`${option}: cannot read ${file} (${code})`);
  }
}

/** As in context files of the `nats` tool: `~` at the beginning, and `$NAME` or `${NAME}` of the environment. */
function expanded(path: string): string {
  const named = path.replace(/\$(?:(\w+)|\{(\w+)\})/g, (_, plain: string | undefined, braced: string | undefined) => {
    return process.env[plain ?? braced ?? ""] ?? "";
  });
  return /^~(?=$|[\\/])/.test(named) ? `${process.env.HOME || homedir()}${named.slice(1)}` : named;
}

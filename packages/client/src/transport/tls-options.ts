import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type ConnectionOptions, createSecureContext } from "node:tls";
import { ConnectionError } from "@nats-io/nats-core";
import { codeOf, explain } from "./socket-errors.ts";
import type { SecureOptions } from "./transport.ts";

type Credential = "ca" | "cert" | "key";

/**
 * What `tls.connect()` is to be given: the caller's options with the files read, without what belongs to the socket below. As in nats.js
 * a file wins over the option of the same name. Nothing of the caller's is written to.
 *
 * Rejects with a ConnectionError naming the option if a file cannot be read.
 */
export async function readTlsOptions(options: SecureOptions): Promise<ConnectionOptions> {
  const { handshakeFirst, caFile, certFile, keyFile, socket, host, port, path, onread, signal, ...passed } = options;
  const [ca, cert, key] = await Promise.all([read("caFile", caFile), read("certFile", certFile), read("keyFile", keyFile)]);
  const settings: ConnectionOptions = { rejectUnauthorized: true };
  Object.assign(settings, defined(passed), defined({ ca, cert, key }));
  return { ...settings, ...guardedCheck(settings.checkServerIdentity) };
}

async function read(option: string, path: unknown): Promise<Uint8Array | undefined> {
  if (path === undefined || path === null || path === "") return undefined;
  if (typeof path !== "string") throw new ConnectionError(`tls.${option} must be the path of a file, not ${typeof path}`);
  try {
    return await readFile(resolve(path));
  } catch (cause) {
    throw new ConnectionError(`tls.${option}: cannot read ${JSON.stringify(path)}: ${explainRead(cause)}`, { cause });
  }
}

function explainRead(cause: unknown): string {
  return codeOf(cause) === "ENOENT" ? "no such file" : explain(cause);
}

/** An option set to `undefined` is one not given; Node would let it replace its own default, and fail much later. */
function defined(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Node calls the check outside every promise, where an exception would end the process: here it refuses, as it must have meant to. */
function guardedCheck(check: ConnectionOptions["checkServerIdentity"]): Pick<ConnectionOptions, "checkServerIdentity"> {
  if (check === undefined) return {};
  return {
    checkServerIdentity: (hostname, certificate) => {
      try {
        return check(hostname, certificate);
      } catch (cause) {
        return new Error(`tls.checkServerIdentity threw: ${explain(cause)}`, { cause });
      }
    },
  };
}

/** Which of the credentials OpenSSL refuses, and why; null if it is none of them. Never shows what they hold. */
export function explainCredentials(settings: ConnectionOptions, options: SecureOptions): string | null {
  const { ca, cert, key, passphrase } = settings;
  const unlocked = defined({ passphrase });
  return (
    refusal(describeSource(options, "ca"), defined({ ca })) ??
    refusal(describeSource(options, "cert"), defined({ cert })) ??
    refusal(describeSource(options, "key"), { ...defined({ key }), ...unlocked }) ??
    refusal(`${describeSource(options, "cert")} with ${describeSource(options, "key")}`, {
      ...defined({ cert, key }),
      ...unlocked,
    })
  );
}

function refusal(source: string, credentials: Record<string, unknown>): string | null {
  try {
    createSecureContext(credentials);
    return null;
  } catch (cause) {
    return `${source} cannot be used: ${explain(cause)}`;
  }
}

/** The option a credential comes from, as the caller knows it. */
export function describeSource(options: SecureOptions, credential: Credential): string {
  const file = options[`${credential}File`];
  if (typeof file === "string" && file !== "") return `tls.${credential}File ${JSON.stringify(file)}`;
  if (options[credential] !== undefined) return `tls.${credential}`;
  return credential === "ca" ? "the system, for neither tls.ca nor tls.caFile is set" : `tls.${credential}`;
}

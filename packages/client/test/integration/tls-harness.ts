import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { NatsConnection } from "@nats-io/nats-core";
import { connect as connectOfficial, type NodeConnectionOptions } from "@nats-io/transport-node";
import { ConnectionError, connect, type HoldfastOptions } from "../../src/index.ts";
import { type NatsServer, type NatsServerOptions, type ServerConfig, serverVersionAtLeast } from "../../src/testing/index.ts";
import { authority, type Certificate, certificate } from "../transport/certificates.ts";
import { afterwards, startServer } from "./peers-harness.ts";

/** Certificates and keys as files, for one test. */
export class TlsFolder {
  readonly ca: Certificate;
  readonly #path: string;

  static async make(t: TestContext): Promise<TlsFolder> {
    const folder = new TlsFolder(await authority("Holdfast test authority"));
    afterwards(t, async () => rmSync(folder.#path, { recursive: true, force: true }));
    folder.write("ca.pem", folder.ca.cert);
    folder.put("server", await certificate(folder.ca, ["localhost"], ["127.0.0.1"]));
    return folder;
  }

  private constructor(ca: Certificate) {
    this.ca = ca;
    this.#path = mkdtempSync(join(tmpdir(), "holdfast-tls-"));
  }

  path(name: string): string {
    return join(this.#path, name);
  }

  /** Makes or replaces a file; its path. */
  write(name: string, content: string): string {
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  /** Makes or replaces `name.cert` and `name.key`. */
  put(name: string, made: Certificate): void {
    this.write(`${name}.cert`, made.cert);
    this.write(`${name}.key`, made.key);
  }

  /** What a server's `tls` block says about the certificate called `name`. */
  server(name: string = "server"): { cert_file: string; key_file: string } {
    return { cert_file: this.path(`${name}.cert`), key_file: this.path(`${name}.key`) };
  }

  /** What a client's `tls` option says, with the files of a certificate of its own. */
  client(name: string): { caFile: string; certFile: string; keyFile: string } {
    return { caFile: this.path("ca.pem"), certFile: this.path(`${name}.cert`), keyFile: this.path(`${name}.key`) };
  }
}

/** A server with TLS for one test, whose certificate is good for localhost and 127.0.0.1. */
export function startTlsServer(
  t: TestContext,
  folder: TlsFolder,
  tls: ServerConfig = {},
  config: ServerConfig = {},
  options: NatsServerOptions = {},
): Promise<NatsServer> {
  return startServer(t, { ...options, config: { tls: { ...folder.server(), ...tls }, ...config } });
}

/** The server's host by its name: nats.js checks the certificate of a server that is an IP address against "localhost". */
export function byName(server: { readonly port: number }): string {
  return `localhost:${server.port}`;
}

/** Servers that can begin with TLS. */
export function canBeginWithTls(t: TestContext, server: NatsServer): boolean {
  if (serverVersionAtLeast(server.version, "2.10.4")) return true;
  t.skip(`handshake_first needs nats-server 2.10.4; this is ${server.version}`);
  return false;
}

type Options = HoldfastOptions & NodeConnectionOptions;

/** How both clients fare with the same options: whether under TLS, or what went wrong. */
export interface Fates {
  readonly ours: Fate;
  readonly theirs: Fate;
}

export type Fate = "plain" | "tls" | Error;

/** Connects both, one after the other, and closes them again. The server needs `monitoring`. */
export async function fates(server: NatsServer, options: Options): Promise<Fates> {
  const settings = { timeout: 10_000, ...options };
  return { ours: await fateOf(server, connect(settings)), theirs: await fateOf(server, connectOfficial(settings)) };
}

async function fateOf(server: NatsServer, connecting: Promise<NatsConnection>): Promise<Fate> {
  let nc: NatsConnection;
  try {
    nc = await connecting;
  } catch (error) {
    assert.ok(error instanceof Error, `rejected with no error: ${String(error)}`);
    return error;
  }
  try {
    await nc.flush();
    return (await isEncrypted(server, nc)) ? "tls" : "plain";
  } finally {
    await nc.close();
  }
}

/** What the server knows of this connection: a client's own word proves nothing. */
export async function isEncrypted(server: NatsServer, nc: NatsConnection): Promise<boolean> {
  const { connections } = await server.connz();
  assert.ok(Array.isArray(connections));
  const own: { readonly tls_version?: unknown } | undefined = connections.find(({ cid }) => cid === nc.info?.client_id);
  assert.ok(own !== undefined, "the server does not know this connection");
  return own.tls_version !== undefined;
}

/** Both were refused. Returns the errors: Holdfast's is always a ConnectionError, the official client often passes on Node's own. */
export function assertBothFailed({ ours, theirs }: Fates): { ours: ConnectionError; theirs: Error } {
  assert.ok(theirs instanceof Error, `the official client connected: ${String(theirs)}`);
  assert.ok(ours instanceof Error, `Holdfast connected: ${String(ours)}`);
  assert.ok(ours instanceof ConnectionError, `no ConnectionError: ${ours.name}: ${ours.message}`);
  return { ours, theirs };
}

/** Both were refused for the same reason of TLS: ours has Node's error, which is theirs, as its cause, and its words in the message. */
export function assertSameTlsFailure(found: Fates, code: string): ConnectionError {
  const { ours, theirs } = assertBothFailed(found);
  assert.equal(codeOf(theirs), code, theirs.message);
  assert.equal(codeOf(ours.cause), code, ours.message);
  assert.ok(ours.cause instanceof Error && ours.message.includes(ours.cause.message), ours.message);
  return ours;
}

export function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** What comes to the subject "data", seen by the official client with the folder's client certificate, straight at the server. */
export async function openTlsObserver(t: TestContext, server: NatsServer, folder: TlsFolder): Promise<string[]> {
  const nc = await connectOfficial({
    servers: byName(server),
    tls: folder.client("client"),
    user: "joe",
    pass: "p",
    reconnect: false,
  });
  afterwards(t, () => nc.close());
  const seen: string[] = [];
  nc.subscribe("data", { callback: (_error, msg) => void seen.push(msg.string()) });
  await nc.flush();
  return seen;
}

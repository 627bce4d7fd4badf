import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { findNatsServer, type NatsServer, type ServerConfig, serverVersionAtLeast, startNatsServer } from "holdfast/testing";
import { faults } from "./faults.ts";
import { type DemoOptions, totalMessages } from "./options.ts";
import { oneLine } from "./time-limit.ts";

/** The server of one run. */
export interface DemoServer {
  readonly server: NatsServer;
  /** Log lines that say that the server threw messages away by itself: what is missing then says nothing about a client. */
  drops(): readonly string[];
}

const dropPattern = /excessive stream ingest rate|(resource|account) limits exceeded/i;
const noServer =
  "no nats-server: NATS_SERVER is not set, and there is none on PATH. Install it (Debian: apt install nats-server; macOS: brew install " +
  "nats-server; Windows: choco install nats-server; with docker: docker cp $(docker create nats):/nats-server .) or set NATS_SERVER to its path";
/** What a message costs in the server's memory or files beside its payload; generous. */
const overheadBytes = 512;

/** Starts nats-server with JetStream, with room for everything that the run can send. Rejects when there is no nats-server to start. */
export async function startDemoServer(options: DemoOptions): Promise<DemoServer> {
  const binary = findServer();
  const version = await versionOf(binary);
  const drops: string[] = [];
  const server = await startNatsServer({
    binary,
    jetStream: roomFor(options, version),
    onLog: (line) => {
      // The server logs a sentence once in a while, but a log without end must not become memory without end.
      if (isDrop(line) && drops.length < 10) drops.push(line.trim());
    },
  });
  return { server, drops: () => drops };
}

/**
 * Whether this is what the server logs when a stream does not take a message that the server has read from a publisher: at the stream's
 * ingest limit (since 2.11), or when JetStream's memory or disk is used up.
 */
export function isDrop(logLine: string): boolean {
  return dropPattern.test(logLine);
}

/** The content of the configuration's `jetstream` block. */
export function roomFor(options: DemoOptions, version: string): ServerConfig {
  const messages = totalMessages(options);
  const bytes = messages * (options.size + overheadBytes);
  // Twice, for copies: a client that sends everything again must be found out, not the server's limit.
  const most = 2 * bytes * options.clients.length;
  const store = faults[options.fault].endsServer ? { max_file_store: most } : { max_memory_store: most };
  if (!serverVersionAtLeast(version, "2.11.0")) return store;
  // The stream's queue between the connection and the store; servers before 2.11 have no limit there, and refuse the option.
  return { ...store, max_buffered_msgs: 2 * messages, max_buffered_size: 2 * bytes };
}

function findServer(): string {
  const named = process.env.NATS_SERVER ?? "";
  try {
    return findNatsServer();
  } catch (error) {
    // A wrong NATS_SERVER is explained by the error itself.
    throw named === "" ? new Error(noServer) : error;
  }
}

/** What `binary --version` says. Rejects when it is not a nats-server. */
export async function versionOf(binary: string): Promise<string> {
  const { stdout } = await promisify(execFile)(binary, ["--version"], { timeout: 20_000 }).catch((error: unknown) => {
    throw new Error(`${binary} --version did not work: ${oneLine(error)}`);
  });
  const version = /v?(\d+\.\d+\.\d+\S*)/.exec(stdout)?.[1];
  if (version !== undefined) return version;
  throw new Error(`${binary} is not a nats-server: --version printed "${stdout.trim()}"`);
}

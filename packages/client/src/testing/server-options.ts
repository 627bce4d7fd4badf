import { renderServerConfig, type ServerConfig } from "./server-config.ts";

/** Options of `startNatsServer()`. */
export interface NatsServerOptions {
  /** The program (default `$NATS_SERVER`, else `nats-server` on `PATH`). */
  readonly binary?: string;
  /** Where it listens (default `127.0.0.1`). */
  readonly host?: string;
  /** The client port (default a free one, chosen so that the server finds it free again after a restart). */
  readonly port?: number;
  /** Its `server_name` (default a unique one). */
  readonly name?: string;
  /** More configuration, as an object in the server's own names or as the text of a configuration file. */
  readonly config?: string | ServerConfig;
  /** JetStream: `true`, or the content of the configuration's `jetstream` block (default `false`). */
  readonly jetStream?: boolean | ServerConfig;
  /** The content of the configuration's `cluster` block; `startCluster()` makes it for you. */
  readonly cluster?: ServerConfig;
  /** Where JetStream stores (default a directory of its own that `stop()` removes; one that you give stays). */
  readonly storeDir?: string;
  /** Opens the HTTP monitoring port on a free port, for `varz()`, `connz()`, `monitor()` (default `false`). */
  readonly monitoring?: boolean;
  /** More command line arguments. */
  readonly args?: readonly string[];
  /** How long the server may take to accept connections, in milliseconds (default 20 000). */
  readonly startTimeoutMs?: number;
  /** How many characters of the log are kept, the newest ones (default 1 048 576). */
  readonly logLimit?: number;
  /** Called with every line the server logs, as it comes. */
  readonly onLog?: (line: string) => void;
}

/**
 * The text of the configuration file. Ours comes last: of two equal keys the server takes the second. Name and store are no
 * arguments of the command line, since a reload would then see them change.
 */
export function configText(
  name: string,
  storeDir: string,
  { config = {}, jetStream = false, cluster }: NatsServerOptions,
): string {
  const ours: ServerConfig = {
    server_name: name,
    store_dir: storeDir,
    ...(jetStream === false ? {} : { jetstream: jetStream }),
    ...(cluster === undefined ? {} : { cluster }),
  };
  return `${renderServerConfig(config)}\n${renderServerConfig(ours)}`;
}

/** Whether a server's last words say that a port of its was taken: on Unix, and on Windows. */
export function isPortTaken(words: string): boolean {
  return /address already in use|Only one usage of each socket address/.test(words);
}

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type MonitorReport, readMonitor } from "./monitor.ts";
import { type LaunchPlan, launch, type ServerProcess, whenFrozen } from "./nats-process.ts";
import { freePort } from "./ports.ts";
import { makeScratchDirectory, type ScratchDirectory } from "./process-guard.ts";
import { findNatsServer } from "./server-binary.ts";
import type { ServerConfig } from "./server-config.ts";
import { ServerLog, type WaitForLogOptions } from "./server-log.ts";
import { configText, isPortTaken, type NatsServerOptions } from "./server-options.ts";

/** What a {@link NatsServer} is doing: `"down"` means that its process has ended but `restart()` is possible. */
export type NatsServerState = "running" | "frozen" | "down" | "stopped";

type State = { readonly kind: "running" | "frozen"; readonly process: ServerProcess } | { readonly kind: "down" | "stopped" };

/** How long a server may take to end after SIGTERM before it is killed. */
const termGraceMs = 10_000;
const portAttempts = 10;

/**
 * Starts a real nats-server on loopback and resolves when it accepts connections. Rejects with its last log lines when it does
 * not start. The process and its directories never outlive this process, however that ends; a running server does not keep this
 * process alive.
 */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const host = options.host ?? "127.0.0.1";
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort(host));
    const monitorPort = options.monitoring === true ? await freePort(host) : null;
    const server = new NatsServer(options, host, port, monitorPort);
    try {
      await server.restart();
      return server;
    } catch (error) {
      const portWasTaken = isPortTaken(server.logs());
      await server.stop();
      if (!portWasTaken || options.port !== undefined || attempt === portAttempts) throw error;
    }
  }
}

let serversMade = 0;

/**
 * A real nats-server under test. Made by {@link startNatsServer}. Also an async disposable: `await using server = await
 * startNatsServer()`.
 */
export class NatsServer {
  /** The client port; the same after every restart. */
  readonly port: number;
  readonly host: string;
  /** `nats://host:port`. */
  readonly url: string;
  /** The port of the HTTP monitoring, or `null` without the option `monitoring`. */
  readonly monitorPort: number | null;
  /** The `server_name` in its INFO. */
  readonly name: string;
  /** The configuration file it was started with. */
  readonly configFile: string;
  /** Where JetStream stores. */
  readonly storeDir: string;

  readonly #options: NatsServerOptions;
  readonly #binary: string;
  readonly #directory: ScratchDirectory;
  readonly #log: ServerLog;
  #configText: string;
  #state: State = { kind: "down" };
  #version = "";

  /** @internal Use {@link startNatsServer}. */
  constructor(options: NatsServerOptions, host: string, port: number, monitorPort: number | null) {
    this.#options = options;
    this.host = host;
    this.port = port;
    this.url = `nats://${host.includes(":") ? `[${host}]` : host}:${port}`;
    this.monitorPort = monitorPort;
    this.name = options.name ?? `holdfast-test-${process.pid}-${++serversMade}`;
    // What can throw comes before the directory, which nothing would remove: no program, a configuration that cannot be written.
    this.#binary = findNatsServer(options.binary);
    configText(this.name, "", options);
    this.#log = new ServerLog(options.logLimit ?? 1024 * 1024, options.onLog ?? (() => {}));
    this.#directory = makeScratchDirectory("nats-server-");
    this.configFile = join(this.#directory.path, "nats.conf");
    this.storeDir = options.storeDir ?? join(this.#directory.path, "store");
    this.#configText = configText(this.name, this.storeDir, options);
  }

  /** What the server is doing now. A process that ended by itself shows as `"down"`. */
  get state(): NatsServerState {
    return this.#state.kind;
  }

  /** The version in its INFO, such as `"2.15.2"`. */
  get version(): string {
    return this.#version;
  }

  /** The id of the running process. Throws when there is none. */
  get pid(): number {
    return this.#process("pid").pid;
  }

  /** The newest lines of its log, of all runs. */
  logs(): string {
    return this.#log.text();
  }

  /**
   * Resolves with the first log line that matches, of those already there or still to come. Rejects at the time limit or at
   * `stop()`.
   */
  waitForLog(pattern: RegExp, options?: WaitForLogOptions): Promise<string> {
    return this.#log.waitFor(pattern, options);
  }

  /** Ends the process (SIGTERM unless told otherwise) and removes its directories. For good; safe to call again. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    await this.#end(signal);
    this.#state = { kind: "stopped" };
    this.#log.close("the server was stopped");
    this.#directory.remove();
  }

  /** SIGTERM, and SIGKILL when it has not ended after 10 s. Resolves when the process has ended; `restart()` brings it back. */
  async terminate(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** SIGKILL. Resolves when the process has ended; `restart()` brings it back. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Starts the server again, on the same ports with the same configuration and store; terminates it first if it runs. */
  async restart(): Promise<void> {
    if (this.#state.kind === "stopped") throw new Error("restart() after stop(): this server's files are gone; start a new one");
    await this.#end("SIGTERM");
    writeFileSync(this.configFile, this.#configText);
    const started = await launch(this.#plan());
    if (this.state === "stopped") {
      started.signal("SIGKILL");
      await started.waitForExit();
      throw new Error("the server was stopped while it started");
    }
    this.#version = started.version;
    this.#state = { kind: "running", process: started };
    void started.exited.then(() => this.#exited(started));
  }

  /** SIGSTOP: the kernel still takes connections and bytes, up to its buffers, but nobody reads them. Not on Windows. */
  async freeze(): Promise<void> {
    if (process.platform === "win32") throw new Error("freeze() needs SIGSTOP, which Windows does not have");
    const running = this.#process("freeze()");
    running.signal("SIGSTOP");
    this.#state = { kind: "frozen", process: running };
    await whenFrozen(running.pid);
  }

  /** SIGCONT after {@link freeze}. */
  thaw(): void {
    const running = this.#process("thaw()");
    running.signal("SIGCONT");
    this.#state = { kind: "running", process: running };
  }

  /**
   * Replaces the configuration (SIGHUP). Rejects, and puts the old one back, when the server refuses it. Ports stay as they are.
   */
  async reload(config: string | ServerConfig): Promise<void> {
    const running = this.#process("reload()");
    const before = this.#configText;
    this.#configText = configText(this.name, this.storeDir, { ...this.#options, config });
    writeFileSync(this.configFile, this.#configText);
    const answer = this.#log.waitFor(/\] (Reloaded server configuration|Failed to reload server configuration)/, {
      after: "now",
    });
    running.signal("SIGHUP");
    const line = await answer;
    if (!line.includes("Failed")) return;
    this.#configText = before;
    writeFileSync(this.configFile, before);
    throw new Error(`the server refused the new configuration: ${line}`);
  }

  /**
   * SIGUSR2: the server takes no new clients and, after `lame_duck_grace_period`, ends those it has. Resolves when it has begun.
   */
  async lameDuck(): Promise<void> {
    const begun = this.#log.waitFor(/Entering lame duck mode/, { after: "now" });
    this.#process("lameDuck()").signal("SIGUSR2");
    await begun;
  }

  /** A page of the monitoring port as JSON, such as `monitor("/routez")`. Needs the option `monitoring`. */
  monitor(path: string): Promise<MonitorReport> {
    if (this.monitorPort === null) return Promise.reject(new Error(`monitor("${path}") needs the option monitoring: true`));
    return readMonitor(this.host, this.monitorPort, path);
  }

  /** General figures of the server. Needs the option `monitoring`. */
  varz(): Promise<MonitorReport> {
    return this.monitor("/varz");
  }

  /** Its connections; `query` such as `"subs=1&state=any"`. Needs the option `monitoring`. */
  connz(query: string = ""): Promise<MonitorReport> {
    return this.monitor(`/connz?${query}`);
  }

  /** The same as `stop()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #plan(): LaunchPlan {
    const { args = [], startTimeoutMs = 20_000 } = this.#options;
    const own = ["-c", this.configFile, "-a", this.host, "-p", String(this.port)];
    if (this.monitorPort !== null) own.push("-m", String(this.monitorPort));
    return {
      binary: this.#binary,
      args: [...own, ...args],
      host: this.host,
      port: this.port,
      name: this.name,
      log: this.#log,
      timeoutMs: startTimeoutMs,
    };
  }

  #process(wanted: string): ServerProcess {
    if ("process" in this.#state) return this.#state.process;
    throw new Error(`${wanted} needs a running server, but it is ${this.#state.kind}`);
  }

  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    if (!("process" in this.#state)) return;
    const { kind, process: running } = this.#state;
    running.signal(signal);
    // A frozen process gets no signal but SIGKILL before it runs again.
    if (kind === "frozen" && signal === "SIGTERM") running.signal("SIGCONT");
    const grace = setTimeout(() => running.signal("SIGKILL"), termGraceMs);
    await running.waitForExit();
    clearTimeout(grace);
    this.#exited(running);
  }

  #exited(ended: ServerProcess): void {
    if ("process" in this.#state && this.#state.process === ended) this.#state = { kind: "down" };
  }
}

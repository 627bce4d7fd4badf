import { setTimeout as sleep } from "node:timers/promises";
import { type NatsServer, startNatsServer } from "./nats-server.ts";
import { freePort } from "./ports.ts";
import type { ServerConfig } from "./server-config.ts";
import { isPortTaken, type NatsServerOptions } from "./server-options.ts";

/** Options of {@link startCluster}: those of a server, with a configuration that may differ from server to server. */
export interface NatsClusterOptions
  extends Omit<NatsServerOptions, "cluster" | "config" | "monitoring" | "name" | "port" | "storeDir"> {
  /** The cluster's name (default `holdfast-test`). */
  readonly clusterName?: string;
  /** More configuration, the same for all or made for each server by its index. */
  readonly config?: string | ServerConfig | ((index: number) => string | ServerConfig);
  /**
   * How long the servers may take to find each other and, with JetStream, to choose a leader, in milliseconds (default 30 000).
   */
  readonly readyTimeoutMs?: number;
}

const attempts = 5;
/**
 * JetStream's servers learn what their leader has committed with its next heartbeat, once a second. Of 62 clusters whose leader
 * was killed at the first moment that looked ready, one never chose another.
 */
const jetStreamSettleMs = 1_100;

/**
 * Starts `size` servers (1 to 9) with routes to each other on loopback, named `n1`, `n2`, …, with monitoring. Resolves when each
 * has a route to every other and, with JetStream, all know the leader. Rejects leaving nothing behind.
 */
export async function startCluster(size: number, options: NatsClusterOptions = {}): Promise<NatsCluster> {
  if (!Number.isInteger(size) || size < 1 || size > 9) throw new RangeError(`a cluster of ${size} servers: expected 1 to 9`);
  for (let attempt = 1; ; attempt++) {
    const cluster = await startMembers(size, options);
    if (cluster instanceof NatsCluster) {
      try {
        await cluster.whenReady(options.readyTimeoutMs);
        return cluster;
      } catch (error) {
        await cluster.stop("SIGKILL");
        throw error;
      }
    }
    // A route port that somebody took in the meantime: all have to start again, since all know each other's.
    if (attempt === attempts || !isPortTaken(cluster.message)) throw cluster;
  }
}

/** Servers with routes to each other. Made by {@link startCluster}; also an async disposable. */
export class NatsCluster {
  readonly servers: readonly NatsServer[];
  readonly #jetStream: boolean;

  /** @internal Use {@link startCluster}. */
  constructor(servers: readonly NatsServer[], jetStream: boolean) {
    this.servers = servers;
    this.#jetStream = jetStream;
  }

  /** The client URL of every server. */
  get urls(): string[] {
    return this.servers.map((server) => server.url);
  }

  /**
   * Resolves when every running server has a route to every other running one and, with JetStream, all name the same leader.
   * For use after a `kill()` or `restart()` of some of them; `timeoutMs` is 30 000 by default.
   */
  async whenReady(timeoutMs: number = 30_000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    const settleMs = this.#jetStream ? jetStreamSettleMs : 0;
    let readySince = Number.POSITIVE_INFINITY;
    for (;;) {
      // A server that ends or has not opened its port yet refuses the question.
      const missing = await this.#missing().catch(String);
      const now = performance.now();
      readySince = missing === null ? Math.min(readySince, now) : Number.POSITIVE_INFINITY;
      if (now - readySince >= settleMs) return;
      if (missing !== null && now > deadline) throw new Error(`the cluster was not ready after ${timeoutMs} ms: ${missing}`);
      await sleep(20);
    }
  }

  /** The running server that leads JetStream's meta group, or `null` while there is none. */
  async leader(): Promise<NatsServer | null> {
    for (const server of this.#running()) {
      const { leader: name } = await metaGroup(server);
      if (name !== "") return this.servers.find((candidate) => candidate.name === name && candidate.state === "running") ?? null;
    }
    return null;
  }

  /** Stops all servers and removes their directories. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop(signal)));
  }

  /** The same as `stop()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #running(): NatsServer[] {
    return this.servers.filter((server) => server.state === "running");
  }

  /** What a ready cluster has and this one has not yet, or `null`. */
  async #missing(): Promise<string | null> {
    const running = this.#running();
    const views = await Promise.all(running.map(routesOf));
    for (const [index, view] of views.entries()) {
      const unseen = views.findIndex((other) => other.id !== view.id && !view.remotes.has(other.id));
      if (unseen !== -1) return `${running[index]?.name} has no route to ${running[unseen]?.name}`;
    }
    if (!this.#jetStream) return null;
    const metas = await Promise.all(running.map(metaGroup));
    const leaders = new Set(metas.map(({ leader }) => leader));
    const [leader] = leaders;
    if (leaders.size > 1 || !running.some((server) => server.name === leader)) return "no leader that all agree on";
    // Until a server has learned of every member, the death of the leader would leave too few to choose another.
    const small = metas.findIndex(({ size }) => size < this.servers.length);
    if (small !== -1) return `${running[small]?.name} knows only ${metas[small]?.size} members of the JetStream group`;
    const behind = metas.flatMap((meta, index) => (running[index]?.name === leader ? meta.behind : []));
    const waiting = running.find((server) => behind.includes(server.name));
    return waiting === undefined ? null : `${waiting.name} has not caught up with the leader`;
  }
}

async function startMembers(size: number, options: NatsClusterOptions): Promise<NatsCluster | Error> {
  const { clusterName = "holdfast-test", config, readyTimeoutMs: _, host = "127.0.0.1", ...rest } = options;
  const ports: number[] = [];
  while (ports.length < size) ports.push(await freePort(host));
  const routes = ports.map((port) => `nats://${host}:${port}`);
  const starts = ports.map((port, index) => {
    const own = typeof config === "function" ? config(index) : config;
    return startNatsServer({
      ...rest,
      host,
      monitoring: true,
      name: `n${index + 1}`,
      cluster: { name: clusterName, host, port, routes },
      ...(own === undefined ? {} : { config: own }),
    });
  });
  const outcomes = await Promise.allSettled(starts);
  const servers = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure === undefined) return new NatsCluster(servers, (options.jetStream ?? false) !== false);
  await Promise.all(servers.map((server) => server.stop("SIGKILL")));
  return failure.reason instanceof Error ? failure.reason : new Error(String(failure.reason));
}

/** A server's id and the ids of those it has a route to. Servers before 2.10 tell no names here. */
async function routesOf(server: NatsServer): Promise<{ readonly id: unknown; readonly remotes: ReadonlySet<unknown> }> {
  const { server_id: id, routes } = await server.monitor("/routez");
  const remotes = Array.isArray(routes) ? routes.map((route: { readonly remote_id?: unknown }) => route.remote_id) : [];
  return { id, remotes: new Set(remotes) };
}

/** JetStream's meta group as one server sees it. `behind`: members that are not current, which only the leader knows. */
async function metaGroup(
  server: NatsServer,
): Promise<{ readonly leader: string; readonly size: number; readonly behind: readonly unknown[] }> {
  const { meta_cluster: meta } = await server.monitor("/jsz");
  if (typeof meta !== "object" || meta === null) return { leader: "", size: 0, behind: [] };
  const leader = "leader" in meta && typeof meta.leader === "string" ? meta.leader : "";
  const size = "cluster_size" in meta && typeof meta.cluster_size === "number" ? meta.cluster_size : 0;
  const replicas: readonly { readonly name?: unknown; readonly current?: unknown }[] =
    "replicas" in meta && Array.isArray(meta.replicas) ? meta.replicas : [];
  return { leader, size, behind: replicas.filter(({ current }) => current !== true).map(({ name }) => name) };
}

import { InvalidArgumentError, type Server, type ServersChanged, type TokenAuth, type UserPass } from "@nats-io/nats-core";
import { type Address, credentialsIn, isIp, parseAddress, withoutCredentials } from "./address.ts";

/** A server of the pool. Only the pool writes to it. */
export interface PoolServer extends Address {
  /** What the user or the cluster called it, without credentials. */
  readonly src: string;
  /** Those of its URL; for one learnt from the cluster, those of the server that told of it. Never shown. */
  credentials: UserPass | TokenAuth | undefined;
  /** Learnt from the cluster (`connect_urls`), not given by the user. */
  gossiped: boolean;
  /** For an IP address learnt from the cluster: the name its certificate is checked against. Empty: its own host name. */
  tlsName: string;
  didConnect: boolean;
  /** Failed attempts since the last connection, as nats-core shows them. */
  reconnects: number;
  /** Failed attempts since a connection that proved good, bad connections included; what `maxReconnectAttempts` is held against. */
  strikes: number;
  /** Wall clock of the last dial, for users; 0 before the first. */
  lastConnect: number;
  /** Monotonic time of its last turn: its last dial, or when `reconnectToServer` chose another in its place. */
  lastTurn: number | undefined;
  /** Whether it had its turn in the first, single round of `connect()`. */
  tried: boolean;
}

/** Whose turn it is, and in how many milliseconds. */
export interface Candidate {
  readonly server: PoolServer;
  readonly delayMs: number;
}

/**
 * The servers to choose from. Their order stays as given (as shuffled, with `randomize`); turns go round behind the server dialled last,
 * so that one comes last. The pool keeps no clock: times are handed in.
 */
export class ServerPool {
  readonly #randomize: boolean;
  readonly #random: () => number;
  #servers: PoolServer[] = [];
  #current: PoolServer | undefined;
  /** Index of the server whose turn it last was; -1 before the first. */
  #turn = -1;
  #tlsName = "";
  #connectedOnce = false;

  constructor(servers: readonly string[], options: { readonly randomize: boolean; readonly random: () => number }) {
    this.#randomize = options.randomize;
    this.#random = options.random;
    this.replace(servers);
  }

  /** The server dialled last; before the first dial the one that comes first. */
  get current(): PoolServer | undefined {
    return this.#current ?? this.#servers[0];
  }

  get size(): number {
    return this.#servers.length;
  }

  /**
   * The first server, in turn, that was left alone for `waitMs`; otherwise the one that comes due first. With `"untried"`: the next that
   * had no turn yet, at once, and this is its turn.
   */
  next(now: number, waitMs: number, among: "all" | "untried"): Candidate | undefined {
    let soonest: Candidate | undefined;
    for (const server of this.#inTurn()) {
      if (among === "untried") {
        if (server.tried) continue;
        server.tried = true;
        return { server, delayMs: 0 };
      }
      const delayMs = server.lastTurn === undefined ? 0 : Math.max(0, server.lastTurn + waitMs - now);
      if (soonest === undefined || delayMs < soonest.delayMs) soonest = { server, delayMs };
      if (delayMs === 0) break;
    }
    return soonest;
  }

  /** It had its turn, whichever server is dialled: it is left alone for a while. */
  passed(server: PoolServer, now: number): void {
    server.lastTurn = now;
  }

  /**
   * Whether there is anybody to go to from a lame duck. Its last INFO no longer names itself: with `named` empty, a server that only the
   * cluster told of may be the lame duck under another name.
   */
  hasOther(server: PoolServer, named: readonly string[]): boolean {
    return this.#servers.some((other) => other.listen !== server.listen && (!other.gossiped || named.length > 0));
  }

  /**
   * Its turn is over now, so that the next is another server's whatever the waiting time, if there is another. Found by its name: a
   * server that left the pool while it was in use and came back is a new one.
   */
  turnOver(server: PoolServer, now: number): void {
    const same = this.find(server.listen);
    if (same === undefined) return;
    same.lastTurn = now;
    this.#turn = this.#servers.indexOf(same);
  }

  /** It is dialled now. */
  dialled(server: PoolServer, now: number, epoch: number): void {
    server.lastTurn = now;
    server.lastConnect = epoch;
    this.#current = server;
    const index = this.#servers.indexOf(server);
    if (index >= 0) this.#turn = index;
  }

  /** The attempt failed. At `maxAttempts` failures (-1: never; 0 as 1, as in nats.js) the server leaves the pool. */
  failed(server: PoolServer, maxAttempts: number): void {
    server.reconnects++;
    server.strikes++;
    if (maxAttempts !== -1 && server.strikes >= Math.max(maxAttempts, 1)) this.#remove(server);
  }

  /** A connection is open. Whether it is any good is not known yet: `proven()` says so. */
  connected(server: PoolServer): void {
    // The first connection of all was no attempt to reconnect, so if it proves bad that is none of the failed ones.
    if (!this.#connectedOnce) server.strikes = -1;
    this.#connectedOnce = true;
    server.didConnect = true;
    server.reconnects = 0;
  }

  proven(server: PoolServer): void {
    server.strikes = 0;
  }

  /** The connection to `server` is under TLS: its name is the one that IP addresses learnt from the cluster are checked against. */
  learnTlsName(server: PoolServer): void {
    if (isIp(server.hostname)) return;
    this.#tlsName = server.hostname;
    for (const other of this.#servers) if (other.gossiped) other.tlsName = this.#tlsName;
  }

  /**
   * Takes over the cluster's own list: adds what is new and removes what it named before and names no more, but never the server in use.
   * An empty list says nothing, as in Go: a server that just restarted names nobody until its routes are up, and forgetting the rest
   * then (as nats.js does) could leave nobody to turn to. Entries that are not `host:port` are passed over.
   */
  update(connectUrls: readonly string[]): ServersChanged {
    const named = new Map<string, PoolServer>();
    for (const url of connectUrls) {
      const server = makeGossiped(url, this.#tlsName, this.#current?.credentials);
      if (server !== undefined) named.set(server.listen, server);
    }
    if (named.size === 0) return { added: [], deleted: [] };
    const gone = this.#servers.filter((server) => server.gossiped && server !== this.#current && !named.has(server.listen));
    for (const server of gone) this.#remove(server);
    for (const server of this.#servers) named.delete(server.listen);
    this.#servers.push(...named.values());
    if (this.#randomize && named.size > 0) this.#shuffleBehindCurrent();
    return { added: [...named.keys()], deleted: gone.map((server) => server.listen) };
  }

  /**
   * Replaces the pool. A server that stays keeps its history and counts as the user's from now on. Throws `InvalidArgumentError`
   * when there is none or one cannot be read; the pool is then unchanged.
   */
  replace(servers: readonly string[]): void {
    if (!Array.isArray(servers) || servers.length === 0) throw InvalidArgumentError.format("servers", "cannot be empty");
    const known = new Map(this.#servers.map((server) => [server.listen, server]));
    const made = Array.from(servers, (text) => makeServer(text, ""));
    const pool = new Map<string, PoolServer>();
    for (const server of made) {
      const same = pool.get(server.listen) ?? known.get(server.listen) ?? server;
      same.credentials = server.credentials ?? same.credentials;
      same.gossiped = false;
      pool.set(same.listen, same);
    }
    this.#servers = [...pool.values()];
    if (this.#randomize) shuffle(this.#servers, this.#random);
    this.#turn = this.#current === undefined ? -1 : this.#servers.indexOf(this.#current);
  }

  find(listen: string): PoolServer | undefined {
    return this.#servers.find((server) => server.listen === listen);
  }

  /** Frozen copies in the pool's order; with `first`, that server before the others. */
  snapshot(first?: PoolServer): readonly Server[] {
    const rest = this.#servers.filter((server) => server !== first);
    return (first === undefined ? rest : [first, ...rest]).map(show);
  }

  *#inTurn(): Iterable<PoolServer> {
    const servers = this.#servers;
    for (let step = 1; step <= servers.length; step++) {
      const server = servers[(this.#turn + step) % servers.length];
      if (server !== undefined) yield server;
    }
  }

  #remove(server: PoolServer): void {
    const index = this.#servers.indexOf(server);
    if (index < 0) return;
    this.#servers.splice(index, 1);
    if (index <= this.#turn) this.#turn--;
  }

  #shuffleBehindCurrent(): void {
    const current = this.#servers.filter((server) => server === this.#current);
    const others = this.#servers.filter((server) => server !== this.#current);
    shuffle(others, this.#random);
    this.#servers = [...current, ...others];
    this.#turn = current.length - 1;
  }
}

/** Fisher-Yates, in place. `random` gives numbers in [0, 1). */
export function shuffle<T>(list: T[], random: () => number): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const [a, b] = [list[i], list[j]];
    if (a === undefined || b === undefined) return;
    list[i] = b;
    list[j] = a;
  }
}

function makeGossiped(url: unknown, tlsName: string, credentials: PoolServer["credentials"]): PoolServer | undefined {
  if (typeof url !== "string") return undefined;
  try {
    return { ...makeServer(url, tlsName), credentials, gossiped: true };
  } catch {
    return undefined;
  }
}

function makeServer(text: string, tlsName: string): PoolServer {
  const { hostname, port, listen } = parseAddress(text);
  return {
    hostname,
    port,
    listen,
    src: withoutCredentials(text.trim()),
    credentials: credentialsIn(text),
    gossiped: false,
    tlsName: isIp(hostname) ? tlsName : "",
    didConnect: false,
    reconnects: 0,
    strikes: 0,
    lastConnect: 0,
    lastTurn: undefined,
    tried: false,
  };
}

function show(server: PoolServer): Server {
  const { hostname, port, listen, src, tlsName, reconnects, lastConnect, gossiped, didConnect } = server;
  return Object.freeze({ hostname, port, listen, src, tlsName, reconnects, lastConnect, gossiped, didConnect });
}

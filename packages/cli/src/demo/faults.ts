import type { CutKind, FaultProxy, NatsServer, OnAccept } from "holdfast/testing";
import type { FaultKind } from "./options.ts";

/** What a fault works on: the server of the run, and the proxy in front of it of each client. */
export interface FaultSite {
  readonly server: NatsServer;
  readonly proxies: readonly FaultProxy[];
}

/** Something that goes wrong for a while. */
export interface Fault {
  /** For people: what happens to the connections and to new ones. */
  readonly explanation: string;
  /** Whether the server ends, so that what it had only in memory is lost with it. */
  readonly endsServer: boolean;
  /** Begins the fault. Everything that a client can notice has begun when the call returns; resolves when all were told. */
  begin(site: FaultSite): Promise<void>;
  /** All works again when it resolves, but for what the fault leaves behind. */
  end(site: FaultSite): Promise<void>;
}

/** With `flap`, each client's first connection after the outage is reset when exactly so many bytes of it went to the server. */
export const flapBytes = 200_000;

/** Every value of `--fault`. */
export const faults: Readonly<Record<FaultKind, Fault>> = {
  rst: {
    explanation: "RST, and new connections are reset on accept",
    endsServer: false,
    begin: (site) => cutAll(site, "reset", "rst"),
    end: forwardAgain,
  },
  fin: {
    explanation: "FIN, and new connections get FIN on accept",
    endsServer: false,
    begin: (site) => cutAll(site, "close", "fin"),
    end: forwardAgain,
  },
  refuse: {
    explanation: "RST, and the port is closed",
    endsServer: false,
    begin: ({ proxies }) =>
      onEach(proxies, (proxy) => {
        proxy.refuse();
        return proxy.cut("rst");
      }),
    end: ({ proxies }) => onEach(proxies, (proxy) => proxy.accept()),
  },
  // The kernel of this machine answers the SYN of a new connection, which a true black hole would not: a dial hangs in both, here for
  // want of the server's INFO.
  blackhole: {
    explanation: "everything vanishes both ways and nobody says so, also on new connections; at the end all of them are reset",
    endsServer: false,
    begin: ({ proxies }) =>
      onEach(proxies, async (proxy) => {
        proxy.toServer.swallow();
        proxy.toClient.swallow();
      }),
    end: ({ proxies }) =>
      onEach(proxies, async (proxy) => {
        const told = proxy.cut("rst");
        proxy.toServer.forward();
        proxy.toClient.forward();
        await told;
      }),
  },
  flap: {
    explanation: `like rst, and each client's first connection afterwards is reset after ${flapBytes / 1000} kB towards the server`,
    endsServer: false,
    begin: (site) => cutAll(site, "reset", "rst"),
    end: (site) => {
      for (const proxy of site.proxies) proxy.cutNext({ toServer: flapBytes, kind: "rst" });
      return forwardAgain(site);
    },
  },
  freeze: {
    explanation: "SIGSTOP: the server is there and does nothing; SIGCONT at the end",
    endsServer: false,
    begin: ({ server }) => server.freeze(),
    end: async ({ server }) => server.thaw(),
  },
  restart: {
    explanation: "SIGTERM to the server, which is started again at the end; streams in files",
    endsServer: true,
    begin: ({ server }) => server.terminate(),
    end: ({ server }) => server.restart(),
  },
  kill: {
    explanation: "SIGKILL to the server, which is started again at the end; streams in files",
    endsServer: true,
    begin: ({ server }) => server.kill(),
    end: ({ server }) => server.restart(),
  },
};

function cutAll({ proxies }: FaultSite, onAccept: OnAccept, kind: CutKind): Promise<void> {
  return onEach(proxies, (proxy) => {
    proxy.onAccept = onAccept;
    return proxy.cut(kind);
  });
}

async function forwardAgain({ proxies }: FaultSite): Promise<void> {
  for (const proxy of proxies) proxy.onAccept = "forward";
}

async function onEach(proxies: readonly FaultProxy[], task: (proxy: FaultProxy) => Promise<void>): Promise<void> {
  await Promise.all(proxies.map(task));
}

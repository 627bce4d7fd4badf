import type { HoldfastConnection } from "holdfast";
import { type FaultProxy, startFaultProxy } from "holdfast/testing";
import { connectOptions } from "../connection/connect-options.ts";
import type { ServerSettings } from "../connection/server-options.ts";
import type { CleanUp } from "../demo/clean-up.ts";
import { PayloadFormat } from "../demo/payload.ts";
import { Arrivals } from "./arrivals.ts";
import type { ClientName } from "./clients.ts";
import type { OutageSample } from "./messages.ts";
import { type OutageBenchOptions, outageMessages } from "./options.ts";
import { startWorker, type Worker } from "./worker-process.ts";

/** All that belongs to one client: its subject, its own proxy (so that cuts are its own), its process, and what arrived of it. */
export interface Lane {
  readonly client: ClientName;
  readonly subject: string;
  readonly proxy: FaultProxy;
  readonly worker: Worker;
  readonly arrivals: Arrivals;
  /** With how many messages had arrived then. */
  readonly samples: (OutageSample & { readonly arrived: number })[];
}

/** Stretches of time in the plots. */
const binMs = 100;
const mostBins = 1_000;

/**
 * Makes the lane of a client; resolves when the client is connected and the subscriber is there. `sinceStart` gives the milliseconds since
 * the start. What it starts is ended by `cleanUp`.
 */
export async function openLane(
  client: ClientName,
  options: OutageBenchOptions,
  receiver: HoldfastConnection,
  sinceStart: () => number,
  cleanUp: CleanUp,
): Promise<Lane> {
  const total = outageMessages(options);
  const { rate, size, holdfast, reconnectWaitMs, natsJs } = options;
  // Both clients at once, and each message is known by its number alone. No dot within a part of a subject.
  const subject = natsJs === null ? options.subject : `${options.subject}.${client.replace(".", "_")}`;
  const arrivals = new Arrivals(new PayloadFormat(client, size), rate, total, Math.max(binMs, (total * 1000) / rate / mostBins));
  receiver.subscribe(subject, {
    callback: (error, msg) => {
      if (error === null) arrivals.take(msg.data, sinceStart());
    },
  });
  await receiver.flush();
  const proxy = await startFaultProxy({ upstream: receiver.getServer() });
  await cleanUp.add(() => proxy.stop());
  const worker = await startWorker(
    {
      kind: "outage",
      connect: {
        client,
        server: throughProxy(options.server, proxy),
        natsJs: client === "nats.js" ? natsJs : null,
        tlsHost: tlsHost(options.server, receiver),
      },
      subject,
      clients: 1,
      total,
      size,
      rate,
      holdfast,
      reconnectWaitMs,
    },
    cleanUp,
  );
  return { client, subject, proxy, worker, arrivals, samples: [] };
}

/** The first server's address replaced; scheme and credentials stay. */
export function throughProxy(server: ServerSettings, { host, port }: Pick<FaultProxy, "host" | "port">): ServerSettings {
  const [, scheme = "", user = ""] = /^([a-z][a-z0-9+.-]*:\/\/)?(.*@)?/i.exec(server.servers[0] ?? "") ?? [];
  return { ...server, servers: [`${scheme}${user}${host}:${port}`] };
}

/** Null without TLS. The name in the certificate is the one that was asked for, not the proxy's. */
function tlsHost(server: ServerSettings, receiver: HoldfastConnection): string | null {
  const { info } = receiver;
  const isSecure = info?.tls_required === true || info?.tls_available === true || connectOptions(server).tls !== undefined;
  if (!isSecure) return null;
  const [first = ""] = server.servers.length === 1 ? server.servers : [receiver.getServer()];
  const address = first.replace(/^([a-z][a-z0-9+.-]*:\/\/)?(.*@)?/i, "");
  return address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

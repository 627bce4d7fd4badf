import { connect as connectOfficial } from "@nats-io/transport-node";
import { connect, type NatsConnection } from "holdfast";
import { type FaultProxy, startFaultProxy, startNatsServer } from "holdfast/testing";

/** What stood where at one moment. */
export interface Sample {
  /** Since the first message, ms. */
  readonly ms: number;
  readonly published: number;
  /** Messages that a subscriber had got, by the client that published them. */
  readonly holdfast: number;
  readonly natsJs: number;
  /** What Holdfast held, bytes, and the limit in force; null where there was none. */
  readonly held: number;
  readonly limit: number | null;
}

/** One outage, of both clients at the same time. */
export interface Run {
  readonly rate: number;
  readonly payloadBytes: number;
  /** When the link was cut and when it came back, ms since the first message. */
  readonly cutMs: number;
  readonly backMs: number;
  readonly samples: readonly Sample[];
  /** At the end: messages that each client was given, and that no subscriber got and the client had not handed back. */
  readonly published: number;
  readonly lost: { readonly holdfast: number; readonly natsJs: number };
  /** What Holdfast handed back as in doubt, and how many of these had arrived. */
  readonly inDoubt: number;
  readonly inDoubtArrived: number;
  readonly versions: { readonly node: string; readonly server: string; readonly natsJs: string };
}

const RATE = 10_000;
const PAYLOAD_BYTES = 128;
const CUT_MS = 2_000;
const BACK_MS = 5_000;
const END_MS = 7_000;
const SAMPLE_MS = 100;
/** For the backlog to arrive. */
const SETTLE_MS = 500;

/** One client at the end of a link of its own, and what a subscriber got of it. */
class Lane {
  readonly proxy: FaultProxy;
  readonly nc: NatsConnection;
  readonly arrived: Uint8Array;
  readonly #subject: string;
  arrivals = 0;

  constructor(proxy: FaultProxy, nc: NatsConnection, reader: NatsConnection, subject: string, messages: number) {
    this.proxy = proxy;
    this.nc = nc;
    this.#subject = subject;
    this.arrived = new Uint8Array(messages);
    reader.subscribe(subject, {
      callback: (_error, { data }) => {
        const number = numberIn(data);
        if (this.arrived[number] === 0) this.arrivals++;
        this.arrived[number] = 1;
      },
    });
  }

  publish(payload: Uint8Array): void {
    this.nc.publish(this.#subject, payload);
  }
}

/** Publishes through an outage with both clients, on a nats-server of its own. Takes about eight seconds. */
export async function runOutage(officialVersion: string): Promise<Run> {
  await using server = await startNatsServer();
  await using proxyA = await startFaultProxy({ upstream: server.url });
  await using proxyB = await startFaultProxy({ upstream: server.url });
  const doubted: number[] = [];
  const total = (RATE * END_MS) / 1_000;
  await using nc = await connect({
    servers: proxyA.url,
    reconnectTimeWait: 250,
    onUndelivered: (batch) => {
      for (const { data } of batch) doubted.push(numberIn(data));
    },
  });
  await using official = await connectOfficial({ servers: proxyB.url, reconnectTimeWait: 250, maxReconnectAttempts: -1 });
  await using reader = await connectOfficial({ servers: server.url });
  const lanes = [new Lane(proxyA, nc, reader, "a", total), new Lane(proxyB, official, reader, "b", total)] as const;
  await reader.flush();

  const samples: Sample[] = [];
  const look = (ms: number, published: number): void => {
    const { limit, held } = nc.outbound;
    samples.push({
      ms: Math.round(ms),
      published,
      holdfast: lanes[0].arrivals,
      natsJs: lanes[1].arrivals,
      held: held.bytes,
      limit: limit.bytes === Infinity ? null : limit.bytes,
    });
  };
  const lastMs = await publishThroughOutage(lanes, total, look);
  await Promise.all([nc.flush().catch(() => {}), official.flush()]);
  await reader.flush();
  look(lastMs, total);
  return {
    rate: RATE,
    payloadBytes: PAYLOAD_BYTES,
    cutMs: CUT_MS,
    backMs: BACK_MS,
    samples,
    published: total,
    lost: { holdfast: missing(lanes[0].arrived, new Set(doubted)), natsJs: missing(lanes[1].arrived, new Set()) },
    inDoubt: doubted.length,
    inDoubtArrived: doubted.filter((number) => lanes[0].arrived[number] === 1).length,
    versions: { node: process.version, server: reader.info?.version ?? "", natsJs: officialVersion },
  };
}

/** Publishes at the rate, with the link cut in between; looks every 100 ms. Resolves to the time that it took, ms. */
async function publishThroughOutage(
  lanes: readonly Lane[],
  total: number,
  look: (ms: number, published: number) => void,
): Promise<number> {
  const start = performance.now();
  let published = 0;
  let phase: "before" | "down" | "after" = "before";
  let ms = 0;
  for (let next = 0; ms < END_MS + SETTLE_MS; ms = performance.now() - start) {
    for (const due = Math.min(total, Math.floor((ms * RATE) / 1_000)); published < due; published++) {
      const payload = payloadOf(published);
      for (const lane of lanes) lane.publish(payload);
    }
    if (ms >= next) {
      look(ms, published);
      next += SAMPLE_MS;
    }
    if (phase === "before" && ms >= CUT_MS) {
      phase = "down";
      for (const { proxy } of lanes) proxy.refuse();
      await Promise.all(lanes.map(({ proxy }) => proxy.cut("rst")));
    } else if (phase === "down" && ms >= BACK_MS) {
      phase = "after";
      await Promise.all(lanes.map(({ proxy }) => proxy.accept()));
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return ms;
}

function payloadOf(number: number): Uint8Array {
  const payload = new Uint8Array(PAYLOAD_BYTES);
  new DataView(payload.buffer).setUint32(0, number);
  return payload;
}

function numberIn(data: Uint8Array): number {
  return new DataView(data.buffer, data.byteOffset).getUint32(0);
}

function missing(arrived: Uint8Array, handedBack: ReadonlySet<number>): number {
  return arrived.reduce((lost, here, number) => (here === 0 && !handedBack.has(number) ? lost + 1 : lost), 0);
}

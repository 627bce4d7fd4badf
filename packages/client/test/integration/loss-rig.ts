/** A publisher behind a fault proxy in front of a real server with a stream, and everything that is needed to judge it afterwards. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { StorageType } from "@nats-io/jetstream";
import { open } from "../../src/client/open.ts";
import {
  type Delivery,
  FlushError,
  type HoldfastConnection,
  type HoldfastOptions,
  ReconnectBufferFullError,
  type Undelivered,
} from "../../src/index.ts";
import { resolveOptions } from "../../src/resolve-options.ts";
import type { Runtime } from "../../src/runtime.ts";
import {
  type CutKind,
  type FaultProxy,
  type FaultProxyOptions,
  type ProxiedFrame,
  startFaultProxy,
} from "../../src/testing/index.ts";
import { nodeRuntime } from "../../src/transport/node-runtime.ts";
import { tcpTransport } from "../../src/transport/tcp.ts";
import type { HandedBack } from "./delivery-evidence.ts";
import type { Ground } from "./loss-bed.ts";
import { type LinkRecord, recordedTransport } from "./loss-links.ts";
import { Messages, type Mix, numberIn, replyOf, wide } from "./loss-messages.ts";
import { CountsWatch } from "./loss-watch.ts";
import { type Allowances, examine, type Figures } from "./oracle.ts";

/** For every test of these files: a test that hangs is then named, instead of its file. */
export const limit = { timeout: 40_000 } as const;

/** Faults that the link or the server can have; `refuse` is RST with the port closed. */
export type Fault = "rst" | "fin" | "refuse";
export const faults: readonly Fault[] = ["rst", "fin", "refuse"];

/** What a run can choose. */
export interface RunOptions {
  readonly mix?: Mix;
  readonly client?: HoldfastOptions;
  readonly proxy?: Omit<FaultProxyOptions, "upstream" | "onFrame">;
  readonly storage?: StorageType;
  /** Other servers than the one behind the proxy, which the client may go to; nothing in between sees what they get. */
  readonly others?: readonly string[];
  /** The client goes straight to the server, not through the proxy. */
  readonly direct?: boolean;
  /** In place of the runtime's own. */
  readonly random?: () => number;
}

/** One run: everything that was published, and what became of it. */
export class Run {
  readonly proxy: FaultProxy;
  readonly nc: HoldfastConnection;
  readonly handedBack: HandedBack[];
  readonly links: LinkRecord[];
  /** Messages that publish() accepted. */
  accepted = 0;
  /** Publishes that it refused because of a limit. */
  refused = 0;
  readonly #bed: Ground;
  readonly #delivery: Delivery;
  readonly #stream: string;
  readonly #messages: Messages;
  readonly #forwarded: number[] | null;
  readonly #problems: string[];
  readonly #watch: CountsWatch;

  static async start(t: TestContext, bed: Ground, options: RunOptions = {}): Promise<Run> {
    const stream = await bed.addStream(options.storage);
    const messages = new Messages(stream, options.mix ?? wide);
    const forwarded: number[] = [];
    const problems: string[] = [];
    const { others = [], direct = false } = options;
    const seesAll = bed.ca === undefined && others.length === 0 && !direct;
    const frames = seesAll ? { onFrame: (frame: ProxiedFrame) => noteForwarded(forwarded, problems, frame) } : {};
    const proxy = await startFaultProxy({ upstream: bed.server, ...frames, ...options.proxy });
    const handedBack: HandedBack[] = [];
    const links: LinkRecord[] = [];
    const probe = () => ({
      accepted: run?.accepted ?? 0,
      inDoubt: nc?.outbound.counts().inDoubt ?? 0,
      window: nc?.outbound.window ?? 0,
    });
    let nc: HoldfastConnection | undefined;
    let run: Run | undefined;
    const resolved = resolveOptions({
      servers: [direct ? bed.server.url : proxy.url, ...others],
      noRandomize: true,
      ignoreClusterUpdates: true,
      reconnectTimeWait: 10,
      reconnectJitter: 0,
      reconnectJitterTLS: 0,
      reconnectBuffer: 256 * 1024 * 1024,
      ...(bed.ca === undefined ? {} : { tls: { ca: bed.ca } }),
      ...options.client,
      onUndelivered: (batch: readonly Undelivered[]) => {
        for (const { subject, data, headers, reply, state } of batch) {
          noting(problems, () => {
            const number = messages.read(subject, data, headers);
            if (reply !== replyOf(number)) problems.push(`message ${number} was handed back with the reply ${reply}`);
            handedBack.push({ number, state });
          });
        }
      },
    });
    t.after(async () => {
      run?.stopWatching();
      await nc?.close();
      await proxy.stop();
    });
    // What `connect()` does, with a record of what goes over its links.
    const transport = recordedTransport(tcpTransport(), probe, links);
    const runtime: Runtime = { ...nodeRuntime, random: options.random ?? nodeRuntime.random };
    nc = await open(resolved, { transport, runtime, log: () => {} });
    const { delivery } = resolved.outbound;
    run = new Run(
      bed,
      { delivery, stream, messages, forwarded: seesAll ? forwarded : null, problems },
      { proxy, nc, handedBack, links },
    );
    return run;
  }

  private constructor(
    bed: Ground,
    known: { delivery: Delivery; stream: string; messages: Messages; forwarded: number[] | null; problems: string[] },
    parts: { proxy: FaultProxy; nc: HoldfastConnection; handedBack: HandedBack[]; links: LinkRecord[] },
  ) {
    this.#bed = bed;
    this.#delivery = known.delivery;
    this.#stream = known.stream;
    this.#messages = known.messages;
    this.#forwarded = known.forwarded;
    this.#problems = known.problems;
    this.proxy = parts.proxy;
    this.nc = parts.nc;
    this.handedBack = parts.handedBack;
    this.links = parts.links;
    this.#watch = new CountsWatch(parts.nc);
  }

  /** Publishes the next message. A message that is refused keeps its number for the next try. */
  publish(): void {
    const { subject, payload, options } = this.#messages.make(this.accepted);
    try {
      this.nc.publish(subject, payload, options);
      this.accepted += 1;
    } catch (error) {
      if (!(error instanceof ReconnectBufferFullError)) throw error;
      this.refused += 1;
    }
  }

  /** So many at once, in one turn. */
  burst(count: number): void {
    for (let i = 0; i < count; i++) this.publish();
    this.#watch.look();
  }

  /** So many a second, spread evenly; a turn that comes late makes up for it. */
  async publishFor(ms: number, perSecond: number = 5_000): Promise<void> {
    const start = performance.now();
    for (let calls = 0, elapsed = 0; elapsed < ms; elapsed = performance.now() - start) {
      for (const due = (Math.min(elapsed, ms) * perSecond) / 1000; calls < due; calls++) this.publish();
      await pause(2);
    }
  }

  /** Begins a fault, on the open connection and all new ones. What the client can notice has begun when the call returns. */
  breakLink(fault: Fault): void {
    const { proxy } = this;
    if (fault === "refuse") proxy.refuse();
    else proxy.onAccept = fault === "rst" ? "reset" : "close";
    this.cut(fault === "fin" ? "fin" : "rst");
  }

  /** Cuts the open connection, and only that. */
  cut(kind: CutKind = "rst"): void {
    this.proxy.cut(kind).catch(() => {});
  }

  /** Ends a fault. */
  async mendLink(): Promise<void> {
    this.proxy.onAccept = "forward";
    await this.proxy.accept();
  }

  /** Flushes and closes the client, reads the stream, and compares. Throws with everything that is against the promise. */
  async finish(t: TestContext, allowances: Allowances = {}): Promise<Figures> {
    // The client may still have to notice the last cut; then nothing is left that could break.
    await this.nc.flush().catch((error: unknown) => assert.ok(error instanceof FlushError, String(error)));
    await this.nc.flush();
    await this.nc.close();
    return await this.judge(t, allowances);
  }

  /** Ends the looking at the counts; returns what was wrong with them. */
  stopWatching(): string[] {
    return this.#watch.stop();
  }

  /** The same for a client that is closed already. */
  async judge(t: TestContext, allowances: Allowances = {}): Promise<Figures> {
    const watched = this.stopWatching();
    const evidence = {
      delivery: this.#delivery,
      accepted: this.accepted,
      refused: this.refused,
      handedBack: this.handedBack,
      stored: await this.#readStream(),
      links: this.links.map((link) => link.evidence()),
      forwarded: this.#forwarded,
      counts: this.nc.outbound.counts(),
    };
    const { figures, violations } = examine(evidence, allowances);
    const told = Object.entries(figures).map((entry) => entry.join(" "));
    t.diagnostic(told.join(", "));
    assert.deepEqual([...watched, ...this.#problems.slice(0, 10), ...violations], []);
    return figures;
  }

  /** The numbers of all messages that the stream holds, in its order. */
  async #readStream(): Promise<number[]> {
    const numbers: number[] = [];
    await this.#bed.readStream(this.#stream, ({ subject, data, headers }) => {
      noting(this.#problems, () => numbers.push(this.#messages.read(subject, data, headers)));
    });
    return numbers;
  }
}

function noteForwarded(forwarded: number[], problems: string[], { direction, payload, verb, args }: ProxiedFrame): void {
  if (direction !== "toServer" || payload === null) return;
  const number = numberIn(payload);
  forwarded.push(number);
  const reply = args.length > (verb === "HPUB" ? 3 : 2) ? args[1] : undefined;
  if (reply !== replyOf(number)) problems.push(`message ${number} went out with the reply ${reply}`);
}

/** In a callback of a client an error would end elsewhere, or nowhere. */
function noting(problems: string[], work: () => void): void {
  try {
    work();
  } catch (error) {
    problems.push(String(error));
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

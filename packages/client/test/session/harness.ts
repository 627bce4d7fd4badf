import assert from "node:assert/strict";
import type { ServerInfo, Status } from "@nats-io/nats-core";
import type { HoldfastOptions } from "../../src/options.ts";
import { PING, PONG } from "../../src/protocol/encode.ts";
import type { RawMessage } from "../../src/protocol/events.ts";
import { resolveOptions } from "../../src/resolve-options.ts";
import type { SessionHost } from "../../src/session/host.ts";
import { Session } from "../../src/session/session.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { type WireFrame, WireReader } from "../../src/testing/wire-reader.ts";
import { type DialAnswer, type MemoryOptions, memoryTransport } from "../../src/transport/memory.ts";
import type { MemoryPeer } from "../../src/transport/memory-peer.ts";
import type { Endpoint, Link } from "../../src/transport/transport.ts";

/** A client without messages: writes down what the session tells it, and answers PINGs. */
export class RecordingHost implements SessionHost {
  /** Calls in order: "info", "attach", "leave", "detach", "status reconnecting", "message subject", "error text", "closed". */
  readonly log: string[] = [];
  readonly statuses: Status[] = [];
  readonly infos: ServerInfo[] = [];
  /** The subscriptions that a new connection begins with. */
  subscriptions = "";
  /** Runs in `attach()`, for what a client would do there. */
  onAttach: (link: Link) => void = () => {};
  /** What a client with something in flight does in `leave()`: one PING, and it is done at the PONG. */
  onLeave: (done: () => void) => void = (done) => this.sendPing(done);
  unanswered = false;
  /** Chunks of inbound bytes. */
  chunks = 0;
  closedWith: { readonly error: Error | undefined } | undefined;
  readonly #memory: "keeps" | "forgets";
  #waiters: { readonly condition: () => boolean; readonly resolve: () => void }[] = [];
  #link: Link | undefined;
  #pongs: (() => void)[] = [];

  /** `"forgets"`: keeps only the last INFO, so that a test measures the session's own memory. */
  constructor(memory: "keeps" | "forgets" = "keeps") {
    this.#memory = memory;
  }

  get link(): Link | undefined {
    return this.#link;
  }

  /** Resolves as soon as the condition holds; looked at whenever the session has told something. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ condition, resolve }));
  }

  /** The `error` events, as text. */
  get errors(): string[] {
    return this.statuses.flatMap((status) => (status.type === "error" ? [explain(status.error)] : []));
  }

  /** The status events' types, in order. */
  get told(): string[] {
    return this.statuses.map((status) => status.type);
  }

  resubscribe(): Uint8Array {
    return Buffer.from(this.subscriptions);
  }

  attach(link: Link, info: ServerInfo): void {
    assert.equal(this.#link, undefined, "attach() while attached");
    assert.equal(info, this.infos.at(-1));
    this.#link = link;
    this.#write("attach");
    this.onAttach(link);
  }

  detach(): void {
    assert.ok(this.#link !== undefined, "detach() while detached");
    this.#link = undefined;
    this.#pongs = [];
    this.#write("detach");
  }

  leave(done: () => void): void {
    assert.ok(this.#link !== undefined, "leave() while detached");
    this.#write("leave");
    this.onLeave(done);
  }

  received(): void {
    assert.ok(this.#link !== undefined, "received() while detached");
    this.chunks++;
  }

  taken(): void {
    assert.ok(this.#link !== undefined, "taken() while detached");
    this.#write("taken");
  }

  info(info: ServerInfo): void {
    if (this.#memory === "forgets") for (const list of [this.infos, this.log, this.statuses]) list.length = 0;
    this.infos.push(info);
    this.#write("info");
  }

  message(message: RawMessage): void {
    this.#write(`message ${Buffer.from(message.bytes.subarray(message.subjectStart, message.subjectEnd))}`);
  }

  pong(): void {
    assert.ok(this.#link !== undefined, "pong() while detached");
    this.#pongs.shift()?.();
  }

  ping(): void {
    assert.ok(this.#link !== undefined, "ping() while detached");
    this.#link.write(PONG);
  }

  serverError(_error: Error, text: string): void {
    this.#write(`error ${text}`);
  }

  sendPing(onPong: () => void): void {
    assert.ok(this.#link !== undefined, "sendPing() while detached");
    this.#pongs.push(onPong);
    this.#link.write(PING);
  }

  status(status: Status): void {
    if (this.#memory === "forgets") return;
    this.statuses.push(status);
    this.#write(`status ${status.type}`);
  }

  closed(error: Error | undefined): void {
    assert.equal(this.closedWith, undefined, "closed() twice");
    assert.equal(this.#link, undefined, "closed() while attached");
    this.closedWith = { error };
    this.#write("closed");
  }

  #write(entry: string): void {
    this.log.push(entry);
    const met = this.#waiters.filter((waiter) => waiter.condition());
    this.#waiters = this.#waiters.filter((waiter) => !met.includes(waiter));
    for (const { resolve } of met) resolve();
  }
}

/** The server's side of one memory connection. */
export class Peer {
  readonly raw: MemoryPeer;
  /** What the client sent, as text: "CONNECT {…}", "PING", "SUB a 1". */
  readonly received: string[] = [];
  /** Whether the connection is over, for either side. */
  get over(): boolean {
    return this.#ended || this.raw.ended !== null;
  }
  #ended = false;
  #answer: (frame: WireFrame) => void = () => {};

  constructor(raw: MemoryPeer) {
    this.raw = raw;
    const reader = new WireReader((frame) => {
      this.received.push(frame.rest === "" ? frame.verb : `${frame.verb} ${frame.rest}`);
      this.#answer(frame);
    });
    raw.receive((bytes) => reader.push(bytes));
  }

  /** The words that began the client's commands. */
  get verbs(): string[] {
    return this.received.map((line) => line.split(" ")[0] ?? "");
  }

  get connect(): Record<string, unknown> {
    const line = this.received.find((text) => text.startsWith("CONNECT "));
    assert.ok(line !== undefined, "no CONNECT came");
    return JSON.parse(line.slice("CONNECT ".length));
  }

  send(text: string): void {
    this.raw.send(Buffer.from(text, "latin1"));
  }

  info(members: object = {}): void {
    this.send(`INFO ${JSON.stringify({ ...usualInfo, ...members })}\r\n`);
  }

  /** What answers the client's commands from now on. */
  answer(how: (frame: WireFrame) => void): void {
    this.#answer = how;
  }

  /** Ends our half; the client closes. */
  fin(): void {
    this.#over();
    this.raw.fin();
  }

  reset(): void {
    this.#over();
    this.raw.reset();
  }

  #over(): void {
    this.#ended = true;
    this.#answer = () => {};
  }

  /** INFO, then a PONG for each PING. */
  serve(members: object = {}): void {
    this.info(members);
    this.answer((frame) => frame.verb === "PING" && this.send("PONG\r\n"));
  }
}

export const usualInfo = {
  server_id: "S",
  server_name: "s",
  version: "2.15.2",
  proto: 1,
  host: "h",
  port: 4222,
  headers: true,
  max_payload: 1024,
};

/** How the other side of a {@link World} behaves. */
export interface WorldOptions extends Pick<MemoryOptions, "resolve" | "secured" | "capacity" | "chunkBytes" | "unfinished"> {
  /** Asked for each dial; accepts by default. */
  answer?(endpoint: Endpoint): DialAnswer;
  /** Runs for each connection; by default it is served. */
  script?(peer: Peer): void;
  readonly seed?: number;
}

/** A session on a virtual clock, with a memory transport under it. */
export class World {
  readonly clock: VirtualClock;
  readonly host: RecordingHost = new RecordingHost();
  readonly session: Session;
  readonly peers: Peer[] = [];
  /** Every endpoint that was dialled, with the time: "0 a:4222". */
  readonly dials: string[] = [];
  answer: (endpoint: Endpoint) => DialAnswer;
  script: (peer: Peer) => void;

  constructor(options: HoldfastOptions = {}, behaviour: WorldOptions = {}) {
    const { answer, script, seed = 1, ...rest } = behaviour;
    this.clock = new VirtualClock({ seed });
    this.answer = answer ?? (() => ({ kind: "accept" }));
    this.script = script ?? ((peer) => peer.serve());
    const transport = memoryTransport({
      ...rest,
      runtime: this.clock,
      answer: (endpoint) => {
        this.dials.push(`${this.clock.now()} ${endpoint.hostname}:${endpoint.port}`);
        return this.answer(endpoint);
      },
      accept: (raw) => {
        const peer = new Peer(raw);
        this.peers.push(peer);
        this.script(peer);
      },
    });
    const defaults: HoldfastOptions = { servers: ["a", "b"], noRandomize: true, reconnectJitter: 0, reconnectJitterTLS: 0 };
    this.session = new Session(resolveOptions({ ...defaults, ...options }), transport, this.clock, this.host);
  }

  /** The connection that came last. */
  get peer(): Peer {
    const peer = this.peers.at(-1);
    assert.ok(peer !== undefined, "no connection came");
    return peer;
  }

  /** Lets `ms` milliseconds pass. */
  pass(ms: number = 0): Promise<void> {
    return this.clock.advanceAsync(ms);
  }

  /** Connects, in as much time as the servers take. */
  async connect(): Promise<void> {
    const connecting = this.session.connect();
    await this.pass();
    await connecting;
  }

  /** Nothing of the session is left: no timer, no open connection, no bytes on their way. */
  assertNothingLeft(): void {
    assert.deepEqual(this.clock.pending, { timers: 0, keptAlive: 0, deferred: 0, turns: 0 });
    for (const [index, peer] of this.peers.entries()) assert.ok(peer.over, `connection ${index} is still open`);
  }
}

/** Refuses every dial. */
export function refusing(): DialAnswer {
  return { kind: "refuse" };
}

/** What a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  const error: unknown = await promise.then(
    () => assert.fail("it resolved"),
    (reason) => reason,
  );
  assert.ok(error instanceof Error);
  return error;
}

/** An error and what caused it. */
export function explain(error: Error): string {
  return error.cause instanceof Error
    ? `${error.name}: ${error.message}: ${explain(error.cause)}`
    : `${error.name}: ${error.message}`;
}

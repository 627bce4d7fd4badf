import type { Timer } from "../../src/runtime.ts";
import type { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { type WireFrame, WireReader } from "../../src/testing/wire-reader.ts";
import type { MemoryPeer } from "../../src/transport/memory.ts";
import type { Announced, Cut, DialScript, Mode } from "./schedule-steps.ts";
import type { Watch } from "./schedule-watch.ts";

/** What a connection tells about the client's bytes. */
export interface ConnectionEvents {
  /** The second PONG is about to be sent. */
  opened(connection: ServerConnection): void;
  /** A PUB or HPUB was read whole. */
  message(frame: WireFrame, on: ServerConnection): void;
  /** The client did what no client may do. */
  fail(what: string): void;
}

interface ServerSubscription {
  readonly subject: string;
  delivered: number;
  max: number;
}

/** An INFO, and the byte from which on the client must have known it; undefined while it may be on its way. */
interface Told {
  readonly announced: Announced;
  from: number | undefined;
}

/** `greeting` until the first PONG, `subscribing` until the second. */
type Stage = "greeting" | "subscribing" | "open";

/** The server's end of one connection: reads the client's bytes strictly, by itself, and answers as its script says. */
export class ServerConnection {
  readonly index: number;
  readonly peer: MemoryPeer;
  /** What the client handed over here. */
  readonly watch: Watch;
  stage: Stage = "greeting";
  /** False from the moment at which the server cut it, or answered the client's own end. */
  alive = true;
  /** Subscriptions as a real server has them. */
  readonly subs = new Map<number, ServerSubscription>();
  /** Every sid that was ever subscribed to here. */
  readonly subscribed = new Set<number>();
  /** The messages read here, by the number of their call. */
  readonly reads: number[] = [];
  /** The bytes of each. */
  readonly sizes: number[] = [];
  /** Messages read before a PING that was answered. */
  acked = 0;
  /** What the client had confirmed before this connection. */
  confirmedBefore = 0;
  #script: DialScript;
  readonly #clock: VirtualClock;
  readonly #events: ConnectionEvents;
  readonly #reader: WireReader;
  readonly #timers = new Set<Timer>();
  readonly #told: Told[] = [];
  /** For each PING without a PONG: how many messages were read before it. */
  #unanswered: number[] = [];
  #announced: Announced;
  #handshakePings = 0;
  /** Sent behind the handshake, and the PONGs read since the beginning: one may answer several in a handshake. */
  #pings = 0;
  #pongsRead = 0;
  #introduced = false;
  #cutAt = Infinity;
  #reading: Mode = "auto";
  #pongs: Mode = "auto";

  constructor(
    { index, peer, watch }: { index: number; peer: MemoryPeer; watch: Watch },
    script: DialScript,
    clock: VirtualClock,
    events: ConnectionEvents,
  ) {
    this.index = index;
    this.peer = peer;
    this.watch = watch;
    this.#script = script;
    this.#clock = clock;
    this.#events = events;
    this.#announced = script.info;
    this.#reader = new WireReader((frame) => this.#frame(frame));
    peer.onEnd((how) => this.#clientEnded(how));
    this.#setReading("auto");
    this.#greet();
  }

  /** Everything the client has handed over to the transport, bytes. */
  get handedOver(): number {
    return this.peer.taken + this.peer.unsent;
  }

  /** From now on it takes and answers everything, also if its handshake is not over. */
  heal(): void {
    this.#script = { ...this.#script, reading: "auto", pongs: "auto" };
    this.mode("auto", "auto");
  }

  mode(reading: Mode, pongs: Mode): void {
    if (this.stage !== "open") return;
    this.#pongs = pongs;
    this.#setReading(reading);
    if (pongs === "auto") this.pong(Infinity);
  }

  /** Reads up to `bytes`, also when the server has ended its half. */
  read(bytes: number): void {
    this.#push(this.peer.read(bytes));
  }

  pong(most: number): void {
    for (let n = Math.min(most, this.#unanswered.length); n > 0; n--) {
      if (!this.send("PONG\r\n")) return;
      this.acked = this.#unanswered.shift() ?? this.acked;
    }
  }

  get willBeCut(): boolean {
    return this.#cutAt < Infinity;
  }

  /** The server asks whether the client is there. */
  ping(): void {
    if (this.stage !== "greeting" && this.send("PING\r\n") && this.stage === "open") this.#pings++;
  }

  /** Whether a PING stays without an answer although everything the client handed over was read. */
  get missesPongs(): boolean {
    return this.#reading === "auto" && this.#pongsRead < this.#pings;
  }

  /** A later INFO. */
  inform(announced: Announced): void {
    if (this.stage === "greeting" || !this.send(infoLine(announced))) return;
    this.#announced = announced;
    if (this.stage === "open") this.#told.push({ announced, from: undefined });
  }

  /** A MSG, if the server has the subscription. */
  deliver(sid: number, subject: string, reply: string, payload: string, headers = ""): boolean {
    const sub = this.subs.get(sid);
    if (sub === undefined) return false;
    const size = headers === "" ? `${payload.length}` : `${headers.length} ${headers.length + payload.length}`;
    const verb = headers === "" ? "MSG" : "HMSG";
    if (!this.send(`${verb} ${subject} ${sid} ${reply === "" ? "" : `${reply} `}${size}\r\n${headers}${payload}\r\n`))
      return false;
    if (++sub.delivered >= sub.max) this.subs.delete(sid);
    return true;
  }

  /** The sid of a subscription that gets messages to `subject`. */
  sidOf(subject: string): number | undefined {
    for (const [sid, sub] of this.subs) {
      const matches = sub.subject.endsWith("*") ? subject.startsWith(sub.subject.slice(0, -1)) : subject === sub.subject;
      if (matches) return sid;
    }
    return undefined;
  }

  send(text: string): boolean {
    if (!this.alive) return false;
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += this.#script.piece) this.peer.send(bytes.subarray(at, at + this.#script.piece));
    return true;
  }

  cut(how: Cut): void {
    if (!this.alive) return;
    this.alive = false;
    if (how === "rst") this.peer.reset();
    else this.peer.fin();
  }

  /** Cuts when `bytes` more than the kernel has now were read; nothing behind them is ever taken. */
  cutAt(bytes: number, how: Cut): void {
    if (!this.alive || this.#cutAt < Infinity) return;
    this.#cutAt = this.peer.taken + bytes;
    this.peer.cutAt(this.#cutAt, how);
    this.#noticeCut();
  }

  /** Everything that was sent has arrived: from now on the client knows the last INFO. */
  settled(): void {
    for (const told of this.#told) told.from ??= this.handedOver;
  }

  /** Whether a message that begins at byte `start` may be sent to this server. */
  mayTake(start: number, size: number, headers: boolean): boolean {
    const fits = ({ announced }: Told): boolean => size <= announced.maxPayload && (announced.headers || !headers);
    const known = this.#told.filter((told) => told.from !== undefined && told.from <= start).at(-1);
    const later = this.#told.filter((told) => told.from === undefined || told.from > start);
    return later.some(fits) || (known !== undefined && fits(known));
  }

  /** Stops its own timers. */
  stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  // ---- the handshake ----

  #greet(): void {
    this.#after(0, () => {
      const { dies, info } = this.#script;
      if (dies === "silent") return;
      if (dies === "greeting") return this.#die();
      if (dies === "garbage") {
        this.send("HTTP/1.1 400 Bad Request\r\n\r\n");
        return;
      }
      this.send(infoLine(info));
      if (dies === "introduced") this.#die();
    });
  }

  #handshakePing(): void {
    this.#handshakePings++;
    const { dies, account } = this.#script;
    if (this.#handshakePings === 1) {
      if (dies === "asked") return this.#die();
      this.#after(1, () => {
        this.stage = "subscribing";
        this.send("PONG\r\n");
        if (account !== null) this.inform(account);
        if (dies === "authenticated") this.#die();
      });
    } else if (this.#handshakePings === 2 && this.stage === "subscribing") {
      if (dies === "subscribed") return this.#die();
      this.#after(2, () => this.#open());
    } else {
      this.#events.fail(`PING number ${this.#handshakePings} in the handshake`);
    }
  }

  #open(): void {
    this.#events.opened(this);
    if (!this.send("PONG\r\n")) return;
    const { cutAfter, how, reading, pongs } = this.#script;
    this.stage = "open";
    this.#told.push({ announced: this.#announced, from: 0 });
    this.#pongs = pongs;
    this.#setReading(reading);
    if (cutAfter !== null) this.cutAt(cutAfter, how);
  }

  #after(pause: 0 | 1 | 2, task: () => void): void {
    const ms = this.#script.pauses[pause];
    if (ms === 0) return task();
    const timer = this.#clock.timer(ms, () => {
      this.#timers.delete(timer);
      if (this.alive) task();
    });
    this.#timers.add(timer);
  }

  #die(): void {
    this.cut(this.#script.how);
  }

  // ---- what the client sends ----

  #setReading(mode: Mode): void {
    this.#reading = mode;
    // All there is, not a kernel's content a turn: with a small kernel that would take thousands of turns.
    this.peer.receive(mode === "hold" ? null : (bytes) => this.#push(bytes, this.peer.read()));
    if (mode === "auto" && this.peer.ended === "fin") this.#clientEnded("fin");
  }

  #push(...pieces: Uint8Array[]): void {
    this.#noticeCut();
    for (const bytes of pieces) this.#reader.push(bytes);
    if (this.#reader.error !== null) this.#events.fail(this.#reader.error.message);
  }

  #noticeCut(): void {
    if (this.peer.received >= this.#cutAt) this.alive = false;
  }

  #clientEnded(how: Cut): void {
    if (how === "rst") this.alive = false;
    else if (this.#reading === "auto") this.cut("fin");
  }

  #frame(frame: WireFrame): void {
    const { verb, args } = frame;
    if (!this.#introduced && verb !== "CONNECT") this.#events.fail(`${verb} before CONNECT`);
    switch (verb) {
      case "CONNECT":
        if (this.#introduced) this.#events.fail("a second CONNECT");
        this.#introduced = true;
        return;
      case "PING":
        if (this.stage !== "open") return this.#handshakePing();
        this.#unanswered.push(this.reads.length);
        if (this.#pongs === "auto") this.pong(Infinity);
        return;
      case "PONG":
        this.#pongsRead++;
        return;
      case "SUB":
        return this.#sub(args);
      case "UNSUB":
        return this.#unsub(args);
      case "PUB":
      case "HPUB":
        if (this.stage !== "open") this.#events.fail(`${verb} before the second PONG`);
        this.sizes.push(frame.end - frame.start);
        return this.#events.message(frame, this);
      default:
        this.#events.fail(`the client sent ${verb}`);
    }
  }

  #sub(args: readonly string[]): void {
    const sid = Number(args.at(-1));
    if (this.stage === "greeting") this.#events.fail(`SUB ${sid} before the first PONG`);
    if (this.subscribed.has(sid)) this.#events.fail(`SUB ${sid} twice on connection ${this.index}`);
    this.subscribed.add(sid);
    this.subs.set(sid, { subject: args[0] ?? "", delivered: 0, max: Infinity });
  }

  /** As nats-server: the number counts from the SUB on this connection. */
  #unsub(args: readonly string[]): void {
    const sid = Number(args[0]);
    if (!this.subscribed.has(sid)) this.#events.fail(`UNSUB ${sid} without a SUB on connection ${this.index}`);
    const sub = this.subs.get(sid);
    if (sub === undefined) return;
    sub.max = args[1] === undefined ? 0 : Number(args[1]);
    if (!(sub.max > 0 || args[1] === undefined)) this.#events.fail(`UNSUB ${args.join(" ")}: its number is none`);
    if (sub.delivered >= sub.max) this.subs.delete(sid);
  }
}

function infoLine({ maxPayload, headers }: Announced): string {
  return `INFO ${JSON.stringify({ server_id: "S", server_name: "s", version: "2.15.2", proto: 1, max_payload: maxPayload, headers })}\r\n`;
}

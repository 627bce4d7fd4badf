import type { Timer } from "../../src/runtime.ts";
import type { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { type WireFrame, WireReader } from "../../src/testing/wire-reader.ts";
import type { MemoryPeer } from "../../src/transport/memory.ts";
import { infoLine, ServerHandshake } from "./schedule-handshake.ts";
import { Sids } from "./schedule-sids.ts";
import type { Announced, Cut, DialScript, Mode, Reading } from "./schedule-steps.ts";
import { ToldLimits } from "./schedule-told.ts";
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

/** Where a connection is, and what the client handed over on it. */
export interface ConnectionParts {
  readonly index: number;
  readonly peer: MemoryPeer;
  readonly watch: Watch;
}

/** The server's end of one connection: reads the client's bytes strictly, by itself, and answers as its script says. */
export class ServerConnection implements ConnectionParts {
  readonly index: number;
  readonly peer: MemoryPeer;
  readonly watch: Watch;
  readonly sids: Sids;
  readonly limits = new ToldLimits();
  /** False from the moment at which the server cut it, or answered the client's own end. */
  alive = true;
  /** The second PONG was sent. */
  isOpen = false;
  /** The messages read here, by the number of their call. */
  readonly reads: number[] = [];
  /** The bytes of each. */
  readonly sizes: number[] = [];
  /** Messages read before a PING that was answered. */
  acked = 0;
  /** What the client had confirmed before this connection. */
  confirmedBefore = 0;
  readonly #script: DialScript;
  readonly #clock: VirtualClock;
  readonly #events: ConnectionEvents;
  readonly #reader = new WireReader((frame) => this.#frame(frame));
  readonly #handshake: ServerHandshake;
  /** For each PING without a PONG: how many messages were read before it. */
  #unanswered: number[] = [];
  /** Sent behind the handshake, and the PONGs read since the beginning: one may answer several in a handshake. */
  #pings = 0;
  #pongsRead = 0;
  #isIntroduced = false;
  #isHealed = false;
  #cutAt = Infinity;
  #reading: Reading = "auto";
  #trickle: Timer | undefined;
  #pongs: Mode = "auto";

  constructor({ index, peer, watch }: ConnectionParts, script: DialScript, clock: VirtualClock, events: ConnectionEvents) {
    this.index = index;
    this.peer = peer;
    this.watch = watch;
    this.#script = script;
    this.#clock = clock;
    this.#events = events;
    this.sids = new Sids((what) => events.fail(what));
    this.#handshake = new ServerHandshake(script, clock, {
      send: (text) => this.send(text),
      die: () => this.cut(script.how),
      open: (announced) => this.#open(announced),
      fail: (what) => events.fail(what),
    });
    peer.onEnd((how) => this.#clientEnded(how));
    this.#setReading("auto");
    this.#handshake.start();
  }

  /** Everything the client has handed over to the transport, bytes. */
  get handedOver(): number {
    return this.peer.taken + this.peer.unsent;
  }

  get willBeCut(): boolean {
    return this.#cutAt < Infinity;
  }

  /** Whether a PING stays without an answer although everything the client handed over was read. */
  get missesPongs(): boolean {
    return this.#reading === "auto" && this.#pongsRead < this.#pings;
  }

  /** From now on it takes and answers everything, also if its handshake is not over. */
  heal(): void {
    this.#isHealed = true;
    this.mode("auto", "auto");
  }

  mode(reading: Reading, pongs: Mode): void {
    if (!this.isOpen) return;
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

  /** The server asks whether the client is there. */
  ping(): void {
    if (this.#handshake.stage !== "greeting" && this.send("PING\r\n") && this.isOpen) this.#pings++;
  }

  /** A later INFO. */
  inform(announced: Announced): void {
    if (!this.isOpen) this.#handshake.inform(announced);
    else if (this.send(infoLine(announced))) this.limits.changed(announced);
  }

  /** A MSG, if the server has the subscription; `headers` is a whole block. */
  deliver(sid: number, subject: string, reply: string, payload: string, headers = ""): boolean {
    if (this.sids.left(sid) === 0) return false;
    const total = headers.length + payload.length;
    const line =
      headers === "" ? `MSG ${subject} ${sid} ${reply} ${total}` : `HMSG ${subject} ${sid} ${reply} ${headers.length} ${total}`;
    if (!this.send(`${line.replace("  ", " ")}\r\n${headers}${payload}\r\n`)) return false;
    this.sids.delivered(sid);
    return true;
  }

  send(text: string): boolean {
    if (!this.alive) return false;
    const bytes = Buffer.from(text);
    const { piece } = this.#script;
    for (let at = 0; at < bytes.length; at += piece) this.peer.send(bytes.subarray(at, at + piece));
    return true;
  }

  cut(how: Cut): void {
    if (!this.alive) return;
    this.#ended();
    if (how === "rst") this.peer.reset();
    else this.peer.fin();
  }

  /** Cuts when `bytes` more than the kernel has now were read; nothing behind them is ever taken. */
  cutAt(bytes: number, how: Cut): void {
    if (!this.alive || this.willBeCut) return;
    this.#cutAt = this.peer.taken + bytes;
    this.peer.cutAt(this.#cutAt, how);
    this.#noticeCut();
  }

  /** Everything that was sent has arrived. */
  settled(): void {
    this.limits.arrived(this.handedOver);
  }

  /** Stops its own timers. */
  stop(): void {
    this.#trickle?.cancel();
    this.#handshake.stop();
  }

  #open(announced: Announced): void {
    this.#events.opened(this);
    if (!this.send("PONG\r\n")) return;
    const { cutAfter, how, reading, pongs } = this.#script;
    this.isOpen = true;
    this.limits.opened(announced);
    if (this.#isHealed) return;
    this.mode(reading, pongs);
    if (cutAfter !== null) this.cutAt(cutAfter, how);
  }

  #setReading(reading: Reading): void {
    this.#reading = reading;
    this.#trickle?.cancel();
    this.#trickle = reading === "trickle" ? this.#clock.timer(TRICKLE_MS, () => this.#readSome()) : undefined;
    // All there is, not a kernel's content a turn: with a small kernel that would take thousands of turns.
    this.peer.receive(reading === "auto" ? (bytes) => this.#push(bytes, this.peer.read()) : null);
    if (this.peer.ended === "fin") this.#clientEnded("fin");
  }

  #readSome(): void {
    this.read(TRICKLE_BYTES);
    const isOver = !this.alive && this.peer.waiting === 0;
    this.#setReading(isOver ? "hold" : "trickle");
  }

  #push(...pieces: Uint8Array[]): void {
    this.#noticeCut();
    for (const bytes of pieces) this.#reader.push(bytes);
    if (this.#reader.error !== null) this.#events.fail(this.#reader.error.message);
  }

  #noticeCut(): void {
    if (this.peer.received >= this.#cutAt) this.#ended();
  }

  /** A server that holds does not notice a FIN. */
  #clientEnded(how: Cut): void {
    if (how === "rst") this.#ended();
    else if (this.#reading !== "hold") this.cut("fin");
  }

  #ended(): void {
    this.alive = false;
    this.#handshake.stop();
  }

  #frame(frame: WireFrame): void {
    const { verb, args } = frame;
    if (!this.#isIntroduced && verb !== "CONNECT") this.#events.fail(`${verb} before CONNECT`);
    switch (verb) {
      case "CONNECT":
        if (this.#isIntroduced) this.#events.fail("a second CONNECT");
        this.#isIntroduced = true;
        return;
      case "PING":
        if (!this.isOpen) return this.#handshake.ping();
        this.#unanswered.push(this.reads.length);
        if (this.#pongs === "auto") this.pong(Infinity);
        return;
      case "PONG":
        this.#pongsRead++;
        return;
      case "SUB":
        if (this.#handshake.stage === "greeting") this.#events.fail("SUB before the first PONG");
        return this.sids.sub(args);
      case "UNSUB":
        return this.sids.unsub(args);
      case "PUB":
      case "HPUB":
        if (!this.isOpen) this.#events.fail(`${verb} before the second PONG`);
        this.sizes.push(frame.end - frame.start);
        return this.#events.message(frame, this);
      default:
        this.#events.fail(`the client sent ${verb}`);
    }
  }
}

const TRICKLE_MS = 10;
const TRICKLE_BYTES = 1500;

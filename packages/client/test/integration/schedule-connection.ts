import type { Timer } from "../../src/runtime.ts";
import type { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { type WireFrame, WireReader } from "../../src/testing/wire-reader.ts";
import type { MemoryPeer } from "../../src/transport/memory.ts";
import { Answers } from "./schedule-answers.ts";
import { infoLine, ServerHandshake } from "./schedule-handshake.ts";
import type { SecretLimit } from "./schedule-secret.ts";
import { Sids } from "./schedule-sids.ts";
import type { Announced, Cut, DialScript, Mode, Reading } from "./schedule-steps.ts";
import { ToldLimits } from "./schedule-told.ts";
import type { Watch } from "./schedule-watch.ts";

/** What a connection tells about the client's bytes. */
export interface ConnectionEvents {
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
  /** What every server of this schedule refuses without having announced it. */
  readonly secret: SecretLimit | undefined;
}

/** The server's end of one connection: reads the client's bytes strictly, by itself, and answers as its script says. */
export class ServerConnection {
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
  /** The INFO that the client must go by, and the last one. */
  announced: Announced;
  readonly #script: DialScript;
  readonly #clock: VirtualClock;
  readonly #events: ConnectionEvents;
  readonly #reader = new WireReader((frame) => this.#frame(frame));
  readonly #handshake: ServerHandshake;
  readonly #answers: Answers;
  readonly #secret: SecretLimit | undefined;
  /** Sent behind the handshake, and the PONGs read since the beginning: one may answer several in a handshake. */
  #pings = 0;
  #pongsRead = 0;
  #isIntroduced = false;
  #isHealed = false;
  #cutAt = Infinity;
  #reading: Reading = "auto";
  #trickle: Timer | undefined;
  #pongs: Mode = "auto";
  #joined: Uint8Array[] = [];
  /** A message broke a limit: nothing behind it is read. */
  #isBroken = false;

  constructor(
    { index, peer, watch, secret }: ConnectionParts,
    script: DialScript,
    clock: VirtualClock,
    events: ConnectionEvents,
  ) {
    this.index = index;
    this.peer = peer;
    this.watch = watch;
    this.announced = script.info;
    this.#secret = secret;
    this.#answers = new Answers(script.refusals, (line) => this.send(`${line}\r\n`));
    watch.index = index;
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
    if (pongs === "auto") this.#answers.give(Infinity);
  }

  /** Reads up to `bytes`, also when the server has ended its half. */
  read(bytes: number): void {
    this.#push(this.peer.read(bytes));
  }

  pong(most: number): void {
    this.#answers.give(most);
  }

  /** The server asks whether the client is there. */
  ping(): void {
    if (this.#handshake.stage !== "greeting" && this.send("PING\r\n") && this.isOpen) this.#pings++;
  }

  /** A later INFO. */
  inform(announced: Announced): void {
    if (!this.isOpen) this.#handshake.inform(announced);
    else if (this.send(infoLine(announced))) {
      this.limits.changed(announced);
      this.announced = announced;
    }
  }

  /** It asks its clients to leave. */
  lameDuck(): void {
    if (this.isOpen) this.send(infoLine(this.announced, true));
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
    this.watch.sent(bytes.length, text.startsWith("PONG") || text.startsWith("-ERR") ? text.trimEnd() : "");
    if (this.#script.joined) this.#join(bytes);
    else this.#give(bytes);
    return true;
  }

  cut(how: Cut): void {
    if (!this.alive) return;
    this.#giveJoined();
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

  /** What is sent in one turn arrives in one piece. */
  #join(bytes: Uint8Array): void {
    if (this.#joined.length === 0) this.#clock.nextTurn(() => this.#giveJoined());
    this.#joined.push(bytes);
  }

  #giveJoined(): void {
    const joined = this.#joined;
    this.#joined = [];
    if (this.alive && joined.length > 0) this.#give(Buffer.concat(joined));
  }

  #give(bytes: Uint8Array): void {
    const { piece } = this.#script;
    for (let at = 0; at < bytes.length; at += piece) this.peer.send(bytes.subarray(at, at + piece));
  }

  #open(announced: Announced): void {
    if (!this.send("PONG\r\n")) return;
    const { cutAfter, how, reading, pongs } = this.#script;
    this.isOpen = true;
    this.announced = announced;
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
    for (const bytes of pieces) {
      if (this.#isBroken) return;
      this.#reader.push(bytes);
      const size = this.#secret?.begun(bytes, this.#reader.unfinished);
      if (size !== undefined) this.#refuse(size);
    }
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

  /** A message of `size` bytes is more than it takes, which it has told nobody. */
  #refuse(size: number): void {
    const { how, text } = this.#secret?.refuse(size) ?? {};
    if (how === undefined || this.#isBroken) return;
    this.#isBroken = true;
    if (text !== undefined) this.send(`-ERR '${text}'\r\n`);
    this.cut(how);
  }

  #frame(frame: WireFrame): void {
    const { verb, args } = frame;
    if (this.#isBroken) return;
    if (!this.#isIntroduced && verb !== "CONNECT") this.#events.fail(`${verb} before CONNECT`);
    switch (verb) {
      case "CONNECT":
        if (this.#isIntroduced) this.#events.fail("a second CONNECT");
        this.#isIntroduced = true;
        return;
      case "PING":
        if (!this.isOpen) return this.#handshake.ping();
        this.#answers.ping();
        if (this.#pongs === "auto") this.#answers.give(Infinity);
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
        return this.#message(frame);
      default:
        this.#events.fail(`the client sent ${verb}`);
    }
  }

  #message(frame: WireFrame): void {
    const size = (frame.headers?.length ?? 0) + (frame.payload?.length ?? 0);
    if (this.#secret?.isBroken(size)) return this.#refuse(size);
    this.#answers.message(frame);
    if (this.#pongs === "auto") this.#answers.give(Infinity);
    this.#events.message(frame, this);
  }
}

const TRICKLE_MS = 10;
const TRICKLE_BYTES = 1500;

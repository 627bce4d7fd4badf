import { PING, PONG } from "../protocol/encode.ts";
import { FRAME_END } from "../protocol/pub-encoder.ts";
import type { Runtime } from "../runtime.ts";
import type { Tally } from "./counts.ts";
import { type Place, still } from "./cursor.ts";
import type { Endings } from "./endings.ts";
import type { Fences } from "./fences.ts";
import type { HoldReason } from "./hold-reason.ts";
import { windowedBytes } from "./in-flight.ts";
import type { Items, MessageItem } from "./items.ts";
import type { Log } from "./log.ts";
import { Long } from "./long.ts";
import { nextRun, runBytes } from "./next-run.ts";
import { type LastItem, PutBack } from "./put-back.ts";
import type { Screen } from "./screen.ts";
import type { Sink } from "./sink.ts";
import type { Stretch } from "./slab.ts";
import { Stage } from "./stage.ts";
import type { Window } from "./window.ts";

/** A run of frames this long goes out as it lies; a shorter one is copied together with what goes around it, bytes. */
const DIRECT_BYTES = 32 * 1024;
/** A frame that is longer than a chunk by no more than this part goes whole: the rest would be a write of a few bytes. */
const OVERHANG = 1 / 4;
/** The most PONGs in one chunk. A server that asks faster gets the rest with the next ones. */
const PONGS_A_CHUNK = 64;
const CONTROL: LastItem = { kind: "control" };
const NOTHING_MAY_GO = { blocked: true, last: undefined } as const;

interface Parts {
  readonly log: Log;
  readonly items: Items;
  readonly fences: Fences;
  readonly window: Window;
  readonly screen: Screen;
  readonly endings: Endings;
  readonly tally: Tally;
}

/** Moves `written` forward as the sink takes bytes, within the window, with control frames and fences at frame boundaries. */
export class Writer {
  readonly #log: Log;
  readonly #items: Items;
  readonly #fences: Fences;
  readonly #window: Window;
  readonly #screen: Screen;
  readonly #endings: Endings;
  readonly #tally: Tally;
  readonly #runtime: Runtime;
  readonly #stage = new Stage();
  readonly #putBack: PutBack;
  #sink: Sink | undefined;
  #outstanding: LastItem | undefined;
  #long: Long | undefined;
  #pongsDue = 0;
  /** Few and short: an array costs less than a set. */
  #holds: readonly HoldReason[] = [];

  constructor(parts: Parts, runtime: Runtime) {
    this.#log = parts.log;
    this.#items = parts.items;
    this.#fences = parts.fences;
    this.#window = parts.window;
    this.#screen = parts.screen;
    this.#endings = parts.endings;
    this.#tally = parts.tally;
    this.#putBack = new PutBack(parts);
    this.#runtime = runtime;
  }

  get attached(): boolean {
    return this.#sink !== undefined;
  }

  /** Whether a chunk waits for the kernel. */
  get waits(): boolean {
    return this.#outstanding !== undefined;
  }

  /** Whether a message is on its way to the kernel. */
  get busy(): boolean {
    return this.waits || this.#long !== undefined;
  }

  /**
   * @param first control lines that go before everything else
   * @param probe see `Window.opened()`
   */
  attach(sink: Sink, first: Uint8Array, probe: number | undefined): void {
    this.#sink = sink;
    if (first.length > 0) this.#long = new Long([first], CONTROL);
    this.#holds = [];
    this.#fences.attached();
    this.#window.opened(this.#runtime.now(), probe);
  }

  /** Begins nothing new until `release()`, or on this connection. */
  hold(reason: HoldReason): void {
    if (!this.#holds.includes(reason)) this.#holds = [...this.#holds, reason];
  }

  release(reason: HoldReason): void {
    this.#holds = this.#holds.filter((each) => each !== reason);
  }

  /** The connection ended. What was not handed over whole is put back; fences, PONGs and SUBs of that connection are void. */
  detach(): void {
    const cut = this.#outstanding ?? this.#long?.last;
    if (cut !== undefined && (this.#sink?.unfinished === "last-item" || this.#long !== undefined)) this.#putBack.run(cut);
    this.#sink = undefined;
    this.#outstanding = undefined;
    this.#long = undefined;
    this.#pongsDue = 0;
    this.#fences.detached();
  }

  /** The server's PING: a PONG goes out at the next frame boundary. */
  pongDue(): void {
    if (this.#sink !== undefined) this.#pongsDue++;
  }

  /** The kernel has the outstanding chunk, whole. */
  taken(): void {
    this.#outstanding = undefined;
  }

  /** Lets go of the memory that an idle connection does not need. */
  shrink(): void {
    if (this.#outstanding === undefined) this.#stage.shrink();
  }

  /** Hands over what the sink and the window take. Bounded by the window. */
  pump(now: number): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    while (this.#outstanding === undefined && this.#step(sink, now));
    this.#fences.arm(now);
  }

  /** Hands over one chunk; false when there is nothing to do. */
  #step(sink: Sink, now: number): boolean {
    if (this.#long !== undefined) return this.#piece(sink, this.#long);
    const stage = this.#stage;
    const longest = Math.min(runBytes(sink.chunkBytes), this.#window.quarter);
    stage.clear(longest);
    let last = this.#stagePongs();
    if (this.#fences.leads) {
      stage.put(PING);
      this.#fences.push(now);
      last = CONTROL;
    }
    for (let before = -1; stage.used > before && stage.used < this.#chunkBytes(sink, longest); ) {
      before = stage.used;
      const items = this.#holds.length === 0 ? this.#stageItems(now) : NOTHING_MAY_GO;
      if (this.#long !== undefined) return this.#piece(sink, this.#long);
      last = items.last ?? last;
      const run = items.blocked ? undefined : this.#nextRun(sink, now);
      const bytes = run === undefined ? 0 : run.position - this.#log.written.position;
      if (run !== undefined && stage.used === 0 && this.#goesAlone(bytes)) {
        const frames = this.#handOver(run, bytes);
        return this.#whole(sink, frames.stretch, bytes, frames.last);
      }
      if (run !== undefined && stage.fits(bytes + PING.length, this.#log.written.slab.referred)) {
        const frames = this.#handOver(run, bytes);
        stage.putFrames(frames.stretch);
        // A SUB called right behind these frames goes with them, and a fence behind both.
        last = this.#stageItems(now).last ?? frames.last;
      }
      if (this.#fences.isDue(now) && stage.fits(PING.length)) {
        stage.put(PING);
        this.#fences.push(now);
        last = CONTROL;
      }
    }
    if (last === undefined) return false;
    return this.#hand(sink, stage.pieces(), last);
  }

  /** Whether the next run goes as it lies. A payload that is kept by reference is not copied either way, and goes with what lies around it. */
  #goesAlone(bytes: number): boolean {
    const { referring, referred } = this.#log.written.slab;
    return referring ? !this.#stage.fits(bytes + PING.length, referred) : bytes >= DIRECT_BYTES;
  }

  /** How long a chunk is worth making. Longer with payloads that cost no copy. */
  #chunkBytes(sink: Sink, longest: number): number {
    return this.#log.written.slab.referring ? Math.max(sink.chunkBytes, longest) : sink.chunkBytes;
  }

  #stagePongs(): LastItem | undefined {
    const pongs = Math.min(this.#pongsDue, PONGS_A_CHUNK);
    for (let i = 0; i < pongs; i++) this.#stage.put(PONG);
    this.#pongsDue -= pongs;
    return pongs > 0 ? CONTROL : undefined;
  }

  /** Puts what is due before the next frame of the log; blocked if it did not all fit, so that no frame of the log may go yet. */
  #stageItems(now: number): { blocked: boolean; last: LastItem | undefined } {
    let last: LastItem | undefined;
    for (;;) {
      this.#skipEnded();
      const item = this.#items.peek();
      if (item === undefined || item.spot.position > this.#log.written.position) return { blocked: false, last };
      if (item.kind === "message" && this.#isUndeliverable(item)) continue;
      const bytes = item.kind === "control" ? item.line : item.frame;
      if (item.kind === "message" && !this.#windowTakes(bytes.length, now)) return { blocked: true, last };
      const fits = this.#stage.fits(bytes.length + PING.length);
      if (!fits && this.#stage.used > 0) return { blocked: true, last };
      this.#items.shift();
      if (item.kind === "message") this.#fences.passed(bytes.length);
      last = item.kind === "message" ? { kind: "item", item } : CONTROL;
      if (fits) this.#stage.put(bytes);
      else this.#long = new Long([bytes], last);
      if (!fits) return { blocked: true, last };
    }
  }

  /** Moves `written` to the next frame that this server can take. Skipping may lead into another slab, which is looked at in its turn. */
  #skipEnded(): void {
    const { written } = this.#log;
    do {
      this.#screen.slab(written);
      this.#log.skipRemoved();
    } while (!this.#screen.isDone(written));
  }

  #isUndeliverable(item: MessageItem): boolean {
    const objection = this.#screen.objection(item.frame);
    if (objection === undefined) return false;
    this.#items.cancel(item.seq);
    this.#endings.item(item, "undeliverable", objection);
    return true;
  }

  #windowTakes(bytes: number, now: number): boolean {
    const inFlight = windowedBytes(this.#log, this.#items);
    if (inFlight === 0 || bytes <= this.#window.room(inFlight, now)) return true;
    this.#fences.stopped();
    return false;
  }

  /** Where the run of frames that may go now ends. */
  #nextRun(sink: Sink, now: number): Place | undefined {
    const log = this.#log;
    if (log.written.position >= log.end) return undefined;
    const inFlight = windowedBytes(log, this.#items);
    const room = this.#window.room(inFlight, now);
    const chunk = Math.min(runBytes(sink.chunkBytes), Math.max(1, this.#fences.room));
    const run = nextRun(log, {
      chunk,
      room,
      empty: inFlight === 0,
      exact: this.#window.probing,
      until: this.#items.peek()?.spot,
    });
    if (run === undefined) this.#fences.stopped();
    else if (this.#fences.isExceededBy(run.position - log.written.position)) {
      this.#fences.force();
      return undefined;
    }
    return run;
  }

  #handOver(to: Place, bytes: number): { stretch: Stretch; last: LastItem & { kind: "frames" } } {
    const { written, sent } = this.#log;
    const from = still(written);
    const before = sent.position;
    const offset = from.position - from.slab.start;
    if (before > from.position) this.#tally.resent += Math.min(to.index, sent.index) - from.index;
    written.moveTo(to);
    if (sent.position < written.position) sent.moveTo(written);
    this.#fences.passed(bytes, to);
    return { stretch: from.slab.stretch(offset, bytes), last: { kind: "frames", from, to, sent: before } };
  }

  /** Frames as they lie; a single one that is longer than a chunk goes in pieces. */
  #whole(sink: Sink, { bytes: head, payload }: Stretch, bytes: number, last: LastItem & { kind: "frames" }): boolean {
    const pieces = payload === null ? [head] : [head, payload, FRAME_END];
    const single = this.#log.written.index - last.from.index === 1;
    if (!single || bytes <= sink.chunkBytes * (1 + OVERHANG)) return this.#hand(sink, pieces, last);
    this.#long = new Long(pieces, last);
    return this.#piece(sink, this.#long);
  }

  #piece(sink: Sink, long: Long): boolean {
    const pieces = long.take(sink.chunkBytes);
    if (long.isDone) this.#long = undefined;
    return this.#hand(sink, pieces, long.last);
  }

  #hand(sink: Sink, pieces: readonly Uint8Array[], last: LastItem): true {
    const [chunk] = pieces;
    this.#outstanding = last;
    const taken = pieces.length === 1 && chunk !== undefined ? sink.write(chunk) : sink.writeAll(pieces);
    if (taken) this.#outstanding = undefined;
    return true;
  }
}

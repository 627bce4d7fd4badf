import type { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { WireReader } from "../../src/testing/wire-reader.ts";
import type { Link, LinkHandler, SecureOptions } from "../../src/transport/transport.ts";
import { idOf } from "./schedule-messages.ts";

/** What passes over a connection, in order. */
export interface WatchEvents {
  /** The last byte of a message was handed over. */
  handed(watch: Watch, id: number): void;
  /** A line that the server sent (`PONG`, `-ERR …`) has arrived. */
  told(watch: Watch, line: string): void;
  /** The client is done with the connection, or it with the client. Once, and last. */
  left(watch: Watch): void;
  fail(what: string): void;
}

/** A line on its way to the client: it has arrived with byte `end`. */
interface Sent {
  readonly line: string;
  readonly end: number;
}

/**
 * Sits between the client and the transport and notes what is handed over and what arrives, frame by frame. So the fate of every message is
 * known without asking the client: see schedule-fates.ts.
 */
export class Watch {
  /** The number of the connection on the server's side; -1 for a dial that gave none. */
  index = -1;
  /** The messages handed over whole, in order, and their bytes. */
  readonly handed: number[] = [];
  readonly sizes: number[] = [];
  /** For each PING handed over, those of the handshake included: how many messages went before it. */
  readonly pings: number[] = [];
  /** When each went, ms. */
  readonly pingTimes: number[] = [];
  /** PONGs that arrived. */
  pongs = 0;
  /**
   * The message that the client must take back when the connection ends: the last item of an outstanding chunk, if the transport says that
   * it cannot have arrived whole.
   */
  takenBack: number | undefined;
  /** Who ended it, and when; the client by `end()`, `reset()` or `destroy()`. */
  left: { readonly by: "peer" | "end" | "reset" | "destroy"; readonly at: number } | undefined;
  /** When a chunk that waits was handed over, ms. */
  waitsSince: number | undefined;
  /** When anything arrived, ms; and when a chunk that waited was last taken. */
  readonly arrivals: number[] = [];
  lastTaken = 0;
  lastPong = 0;
  /** When the handshake's second PONG arrived, ms. */
  openedAt = Infinity;
  /** The client's log has it: it handed over something that belongs to no handshake, or said that it is usable. */
  isUp = false;
  readonly #clock: VirtualClock;
  readonly #events: WatchEvents;
  readonly #reader: WireReader;
  readonly #sent: Sent[] = [];
  #sentBytes = 0;
  #arrivedBytes = 0;
  #link: Link | undefined;
  #last: number | undefined;
  #begunId: number | undefined;
  /** The chunk that waits for the kernel, and what was in it at first. */
  #outstanding: { readonly chunk: Uint8Array; readonly copy: Uint8Array } | undefined;

  constructor(clock: VirtualClock, events: WatchEvents) {
    this.#clock = clock;
    this.#events = events;
    this.#reader = new WireReader(({ verb, args, payload, start, end }) => {
      // Behind the handshake's second PONG everything comes from the log: also a SUB that was called meanwhile, and nothing else.
      if (this.pongs >= 2) this.isUp = true;
      this.#last = verb === "PUB" || verb === "HPUB" ? idOf(args[0] ?? "", payload ?? NONE) : undefined;
      if (verb === "PING") {
        this.pings.push(this.handed.length);
        this.pingTimes.push(clock.now());
      }
      if (this.#last === undefined) return;
      this.isUp = true;
      this.handed.push(this.#last);
      this.sizes.push(end - start);
      events.handed(this, this.#last);
    });
  }

  /** The message of which only the beginning was handed over. */
  get begun(): number | undefined {
    return this.#reader.unfinished > 0 ? this.#begunId : undefined;
  }

  /** How many messages the PONGs so far speak of. */
  get confirmed(): number {
    return this.pongs === 0 ? 0 : (this.pings[this.pongs - 1] ?? 0);
  }

  /** The PONG of a fence has come. */
  get proven(): boolean {
    return this.pongs > 2;
  }

  /** The server sends this; `line` is what it says, if that matters. */
  sent(bytes: number, line: string): void {
    this.#sentBytes += bytes;
    if (line !== "") this.#sent.push({ line, end: this.#sentBytes });
  }

  handler(handler: LinkHandler): LinkHandler {
    return {
      data: (bytes) => {
        this.#arrived(bytes.length);
        handler.data(bytes);
      },
      taken: () => {
        this.#checkUnchanged();
        this.#outstanding = undefined;
        this.waitsSince = undefined;
        this.lastTaken = this.#clock.now();
        handler.taken();
      },
      closed: (error) => {
        this.#checkUnchanged();
        this.#judge();
        this.#leave("peer");
        handler.closed(error);
      },
    };
  }

  link(link: Link): Link {
    const watch = this;
    this.#link = link;
    return {
      get encrypted() {
        return link.encrypted;
      },
      get chunkBytes() {
        return link.chunkBytes;
      },
      get unfinished() {
        return watch.#judge();
      },
      write: (chunk) => this.#write(link, chunk),
      writeAll: (pieces) => this.#write(link, Buffer.concat(pieces)),
      secure: (options: SecureOptions, tlsName: string) => link.secure(options, tlsName),
      end: () => {
        this.#leave("end");
        link.end();
      },
      reset: () => {
        this.#leave("reset");
        link.reset();
      },
      destroy: () => {
        this.#leave("destroy");
        link.destroy();
      },
      keepAlive: (hold) => link.keepAlive(hold),
    };
  }

  #write(link: Link, chunk: Uint8Array): boolean {
    if (this.left !== undefined) this.#events.fail(`something was handed over to connection ${this.index} after its end`);
    const before = this.#reader.unfinished;
    this.#reader.push(chunk);
    if (this.#reader.error !== null) this.#events.fail(`handed over: ${this.#reader.error.message}`);
    const { unfinished } = this.#reader;
    if (unfinished > 0 && unfinished < before + chunk.length) this.#begunId = beginning(chunk.subarray(-unfinished));
    else if (unfinished > 0 && before === 0) this.#begunId = beginning(chunk);
    if (this.begun !== undefined) this.isUp = true;
    const taken = link.write(chunk);
    this.#outstanding = taken ? undefined : { chunk, copy: new Uint8Array(chunk) };
    this.waitsSince = taken ? undefined : this.#clock.now();
    return taken;
  }

  #arrived(bytes: number): void {
    this.#arrivedBytes += bytes;
    if (this.left !== undefined) return;
    const now = this.#clock.now();
    if (this.arrivals.at(-1) !== now) this.arrivals.push(now);
    for (let next = this.#sent[0]; next !== undefined && next.end <= this.#arrivedBytes; next = this.#sent[0]) {
      this.#sent.shift();
      if (next.line === "PONG") {
        this.pongs++;
        this.lastPong = this.#clock.now();
        if (this.pongs === 2) this.openedAt = this.lastPong;
      }
      this.#events.told(this, next.line);
    }
  }

  #leave(by: "peer" | "end" | "reset" | "destroy"): void {
    if (this.left !== undefined) return;
    this.left = { by, at: this.#clock.now() };
    this.#events.left(this);
  }

  /** The kernel may still read from it. */
  #checkUnchanged(): void {
    if (this.#outstanding === undefined) return;
    const { chunk, copy } = this.#outstanding;
    if (Buffer.compare(chunk, copy) !== 0) this.#events.fail("a chunk was written to while it was outstanding");
  }

  /** The client asks when it leaves the connection; else the end itself does. */
  #judge(): Link["unfinished"] {
    const unfinished = this.#link?.unfinished ?? "nothing";
    if (this.#outstanding !== undefined && unfinished === "last-item" && this.#reader.unfinished === 0)
      this.takenBack ??= this.#last;
    return unfinished;
  }
}

/** The message that begins here; the first piece of a long one holds its control line and more. */
function beginning(bytes: Uint8Array): number | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 600)).toString("latin1");
  const subject = /^H?PUB (\S+) /.exec(text)?.[1];
  if (subject === undefined) return undefined;
  const payload = text.slice(text.lastIndexOf("\r\n#") + 2);
  return idOf(subject, Buffer.from(payload, "latin1"));
}

const NONE = new Uint8Array(0);

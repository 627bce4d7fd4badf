import type { OutboundOptions } from "../../src/options.ts";
import type { OutboundHandlers } from "../../src/outbound/handback.ts";
import { Outbound } from "../../src/outbound/outbound.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { defaults } from "./harness.ts";
import { type LinkSettings, SimulatedLink } from "./link-simulator.ts";

export const KIB = 1024;
export const MIB: number = 1024 * KIB;
const RECONNECT_MS = 2000;
const SUBJECT = "a".repeat(28);
/** A flood keeps this much waiting in the log, bytes: more than any window. */
const FLOOD_BYTES = 12 * MIB;

/** A link whose sender is the real log, and what comes of it. */
export class LinkRig {
  readonly clock: VirtualClock;
  readonly log: Outbound;
  link: SimulatedLink;
  /** When the stall rule ended a connection, ms. */
  readonly stalls: number[] = [];
  readonly #settings: LinkSettings;
  #published = 0;

  constructor(settings: LinkSettings, options: Partial<OutboundOptions> = {}, seed = 1) {
    this.clock = new VirtualClock({ seed });
    this.#settings = settings;
    const handlers: OutboundHandlers = {
      undelivered: null,
      undeliveredFailed: (error) => {
        throw error;
      },
      stalled: () => this.#stalled(),
      event: () => {},
    };
    const limits = { ...defaults.reconnectBuffer, maxBytes: Infinity };
    this.log = new Outbound({ ...defaults, reconnectBuffer: limits, ...options }, this.clock, handlers);
    this.link = this.#connect();
  }

  /** Bytes of the frames that were published and are not confirmed. */
  get unconfirmed(): number {
    return this.log.held.bytes;
  }

  /** Bytes of frames that were confirmed. */
  get confirmed(): number {
    return this.#published - this.unconfirmed;
  }

  /** One message whose frame is `bytes` long, counted as on the wire. */
  publish(bytes: number): void {
    this.log.publish(SUBJECT, "", null, payload(bytes), undefined);
    this.#published += bytes;
  }

  /** `perSecond` frames of `bytes` bytes each, evenly, a few each millisecond as a busy program does, from now on. */
  steady(perSecond: number, bytes: number): void {
    const start = this.clock.now();
    const everyMs = Math.max(1, 1000 / perSecond);
    let sent = 0;
    const next = (): void => {
      const wanted = Math.floor(((this.clock.now() - start) / 1000) * perSecond) + 1;
      for (; sent < wanted; sent++) this.publish(bytes);
      this.clock.timer(everyMs, next);
    };
    this.clock.timer(0, next);
  }

  /** Frames as fast as they can go, `total` bytes of them, or for ever: the log always has more than a window waiting. */
  flood(bytes: number, total: number = Infinity): void {
    let left = total;
    const next = (): void => {
      for (; left > 0 && this.unconfirmed < FLOOD_BYTES; left -= bytes) this.publish(bytes);
      if (left > 0) this.clock.timer(1, next);
    };
    this.clock.timer(0, next);
  }

  /** The server reads nothing for `least` to `most` ms, once in each second, at a moment of that second. */
  hiccups(least: number, most: number): void {
    const second = (): void => {
      const { clock } = this;
      clock.timer(1000 * clock.random(), () => this.link.serverHiccup(least + (most - least) * clock.random()));
      clock.timer(1000, second);
    };
    second();
  }

  /** Looks at something each millisecond from now on. */
  eachMs(look: () => void): void {
    const next = (): void => {
      look();
      this.clock.timer(1, next);
    };
    next();
  }

  /** Runs until everything published is confirmed; returns how long it took, ms. Throws when it took longer than `mostMs`. */
  finish(mostMs: number): number {
    const start = this.clock.now();
    this.clock.advance();
    while (this.unconfirmed > 0) {
      if (this.clock.now() - start > mostMs) throw new Error(`${this.unconfirmed} bytes unconfirmed after ${mostMs} ms`);
      this.clock.advance(1);
    }
    return this.clock.now() - start;
  }

  /** The event loop is blocked for `ms`, so many times in a row, with some work after each. */
  block(ms: number, times: number = 1, work: () => void = () => {}): void {
    this.link.blocked();
    for (let i = 0; i < times; i++) {
      this.clock.block(ms);
      work();
    }
    this.clock.advance();
  }

  #connect(): SimulatedLink {
    const link: SimulatedLink = new SimulatedLink(this.clock, this.#settings, {
      taken: () => this.log.taken(),
      pong: () => this.log.pong(),
      received: () => this.log.received(),
    });
    this.link = link;
    this.log.attach(link, 64 * MIB, true);
    return link;
  }

  #stalled(): void {
    this.stalls.push(this.clock.now());
    this.link.end();
    this.log.detach();
    this.clock.timer(RECONNECT_MS, () => this.#connect());
  }
}

const payloads = new Map<number, Uint8Array>();

/** The payload of a frame of `bytes` bytes. */
function payload(bytes: number): Uint8Array {
  const known = payloads.get(bytes);
  if (known !== undefined) return known;
  let length = bytes - `PUB ${SUBJECT} 0\r\n\r\n`.length;
  length -= `${length}`.length - 1;
  const made = new Uint8Array(length).fill(120);
  payloads.set(bytes, made);
  return made;
}

/** How long the same bytes take without a window: the kernel gets all it takes, and one PING ends it, ms. */
export function withoutWindow(settings: LinkSettings, bytes: number): number {
  const clock = new VirtualClock();
  const chunk = Buffer.from(`PUB a ${60 * KIB}\r\n${"x".repeat(60 * KIB)}\r\n`);
  let left = bytes;
  let done = 0;
  const write = (): void => {
    while (left > 0) {
      left -= chunk.length;
      if (!link.write(left > 0 ? chunk : Buffer.from("PING\r\n"))) return;
    }
  };
  const link: SimulatedLink = new SimulatedLink(clock, settings, {
    taken: write,
    pong: () => {
      done = clock.now();
    },
    received: () => {},
  });
  write();
  while (done === 0) clock.advance(100);
  return done;
}

import type { Msg } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../client/connection.ts";
import type { Runtime } from "../runtime.ts";
import { Hold } from "./hold.ts";
import { Inbox } from "./inbox.ts";
import { Link } from "./link.ts";
import type { ResolvedStreamOptions } from "./options.ts";
import { Pause } from "./pause.ts";
import { Ticker } from "./ticker.ts";

/** What an engine is told. */
export interface ChannelListener {
  /** An answer; what its subject has behind the inbox begins at `base`. */
  answer(msg: Msg, base: number): void;
  /** No answer will come to what was sent before. */
  lost(error: Error): void;
  /** There is another connection. */
  reconnected(): void;
  /** The server refused a publish to `subject`. */
  refused(subject: string, error: Error): void;
  /** The connection is closed. */
  closed(error: Error): void;
  /** Time has passed. */
  tick(): void;
  /** Perhaps something can be sent again. */
  pump(): void;
}

/** Everything between an engine and the connection but the publishing itself: answers, time, and when not to send. */
export class Channel {
  readonly inbox: Inbox;
  readonly ticker: Ticker;
  readonly pause: Pause;
  /** For the connection's buffer to have room, or the stream to tell how long it knows an id. */
  readonly hold: Hold;
  readonly #link: Link;

  /** `wildcard`: what reply subjects have behind the inbox, one token or more. */
  constructor(
    nc: HoldfastConnection,
    options: ResolvedStreamOptions,
    runtime: Runtime,
    wildcard: "*" | ">",
    listener: ChannelListener,
  ) {
    this.inbox = new Inbox(nc, options.inboxPrefix, wildcard, listener);
    this.ticker = new Ticker(runtime, () => {
      this.#link.look();
      listener.tick();
    });
    this.pause = new Pause(runtime, () => listener.pump());
    this.hold = new Hold(() => listener.pump());
    this.#link = new Link(nc, listener);
  }

  /** Whether there is a connection that takes messages. */
  isUp(): boolean {
    return this.#link.isUp();
  }

  /** Whether to send now. */
  isOpen(): boolean {
    return !this.hold.isOn && !this.pause.isOn && this.#link.isUp();
  }

  stop(): void {
    this.ticker.stop();
    this.pause.stop();
    this.#link.stop();
    this.inbox.close();
  }
}

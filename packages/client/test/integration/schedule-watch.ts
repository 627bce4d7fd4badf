import { WireReader } from "../../src/testing/wire-reader.ts";
import type { Link, LinkHandler, SecureOptions } from "../../src/transport/transport.ts";
import { idOf } from "./schedule-messages.ts";

/**
 * Sits between the client and the transport and notes what is handed over, frame by frame. So the fate of every message when the
 * connection ends is known without asking the client: see `Ledger.checkEnd()`.
 */
export class Watch {
  /** The messages handed over whole, in order. */
  readonly handed: number[] = [];
  /**
   * The message that the client may take back when the connection ends: the last item of an outstanding chunk, if the transport says that
   * it cannot have arrived whole.
   */
  takenBack: number | undefined;
  #link: Link | undefined;
  readonly #reader: WireReader;
  readonly #fail: (what: string) => void;
  #last: number | undefined;
  /** The chunk that waits for the kernel, and what was in it at first. */
  #outstanding: { readonly chunk: Uint8Array; readonly copy: Uint8Array } | undefined;

  constructor(fail: (what: string) => void) {
    this.#fail = fail;
    this.#reader = new WireReader(({ verb, args }) => {
      this.#last = verb === "PUB" || verb === "HPUB" ? idOf(args[0] ?? "") : undefined;
      if (this.#last !== undefined) this.handed.push(this.#last);
    });
  }

  /** Messages of which something was handed over. */
  get begun(): number {
    return this.handed.length + (this.#reader.unfinished > 0 ? 1 : 0);
  }

  handler(handler: LinkHandler): LinkHandler {
    return {
      data: (bytes) => handler.data(bytes),
      taken: () => {
        this.#checkUnchanged();
        this.#outstanding = undefined;
        handler.taken();
      },
      closed: (error) => {
        this.#checkUnchanged();
        this.#judge();
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
      write: (chunk) => {
        this.#reader.push(chunk);
        const taken = link.write(chunk);
        this.#outstanding = taken ? undefined : { chunk, copy: new Uint8Array(chunk) };
        return taken;
      },
      secure: (options: SecureOptions, tlsName: string) => link.secure(options, tlsName),
      end: () => link.end(),
      reset: () => link.reset(),
      destroy: () => link.destroy(),
      keepAlive: (hold) => link.keepAlive(hold),
    };
  }

  /** The kernel may still read from it. */
  #checkUnchanged(): void {
    if (this.#outstanding === undefined) return;
    const { chunk, copy } = this.#outstanding;
    if (Buffer.compare(chunk, copy) !== 0) this.#fail("a chunk was written to while it was outstanding");
  }

  /** The client asks when it leaves the connection; else the end itself does. */
  #judge(): Link["unfinished"] {
    const unfinished = this.#link?.unfinished ?? "nothing";
    if (this.#outstanding !== undefined && unfinished === "last-item" && this.#reader.unfinished === 0)
      this.takenBack ??= this.#last;
    return unfinished;
  }
}

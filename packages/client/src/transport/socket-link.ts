import type { Socket } from "node:net";
import type { Inlet } from "./inlet.ts";
import { isNode } from "./platform.ts";
import { lostError } from "./socket-errors.ts";
import { startTls } from "./tls.ts";
import type { Endpoint, Link, LinkHandler, SecureOptions } from "./transport.ts";

/** A chunk for which `write()` returned `false`. */
interface Outstanding {
  /** Until a turn of the event loop has passed, the kernel may have all of it without our having been told: see `unfinished`. */
  fresh: boolean;
}

/**
 * A link over a connected `net.Socket`, in the clear or under TLS.
 *
 * What Node's sockets do, and this file relies on (Node 20 to 24):
 * - `write()`: what the kernel takes at once leaves `writableLength` at 0; so does a write that fails at once, but then `errored` is set.
 * - Callbacks of writes that a destroyed socket did not finish are called without an error. So a callback counts only while nothing is
 *   destroyed, and a write that did finish may look unfinished if the socket is destroyed before its callback.
 * - `bytesWritten` counts what was queued. It is not used.
 */
export class SocketLink implements Link {
  /** The TCP socket: what is reset, and what keeps the process alive. */
  readonly #raw: Socket;
  /** What is read and written: `#raw`, or the TLS socket above it. */
  #socket: Socket;
  #stage: "plain" | "securing" | "secure";
  #outstanding: Outstanding | null = null;
  /** Why the link ends: what `closed()` will say. */
  #error: Error | null = null;
  /** What `#raw` reads into while it is in the clear; undefined when TLS came first, and where there are `data` events instead. */
  readonly #inlet: Inlet | undefined;
  readonly #endpoint: Endpoint;
  readonly #handler: LinkHandler;

  /** `socket` is `raw`, or the established TLS socket above it. Neither may be destroyed. `inlet`: what `raw` was opened with. */
  constructor(raw: Socket, socket: Socket, inlet: Inlet | undefined, endpoint: Endpoint, handler: LinkHandler) {
    this.#raw = raw;
    this.#inlet = inlet;
    this.#socket = socket;
    this.#stage = socket === raw ? "plain" : "secure";
    this.#endpoint = endpoint;
    this.#handler = handler;
    inlet?.open(this.#onData);
    this.#follow(socket);
  }

  get encrypted(): boolean {
    return this.#stage === "secure";
  }

  /** Under TLS each chunk costs a turn of the event loop, so there they are larger. */
  get chunkBytes(): number {
    return this.encrypted ? 256 * 1024 : 64 * 1024;
  }

  /**
   * `"nothing"` where a chunk can be with the kernel, and read by the peer, before Node tells us:
   * - under TLS, whose callback comes a turn after the last byte went, also when FIN or RST is read in that turn;
   * - on TCP if the socket was destroyed in the very turn of the write: when the kernel takes only a part at first, libuv tries again
   *   at once, and reports that in the next turn;
   * - on Windows, where a write in progress cannot be looked into;
   * - on Deno and Bun, of which we do not know when a write is with the kernel.
   */
  get unfinished(): "last-item" | "nothing" {
    if (this.encrypted || !isNode || process.platform === "win32" || this.#outstanding?.fresh === true) return "nothing";
    return "last-item";
  }

  write(chunk: Uint8Array): boolean {
    const socket = this.#socket;
    if (!this.#mayWrite(socket)) return false;
    const outstanding: Outstanding = { fresh: true };
    socket.write(chunk, (error) => this.#written(outstanding, error));
    return this.#isTaken(socket, outstanding);
  }

  /** One `writev(2)`. Under TLS, Node puts the pieces together first. */
  writeAll(pieces: readonly Uint8Array[]): boolean {
    const socket = this.#socket;
    if (!this.#mayWrite(socket)) return false;
    const outstanding: Outstanding = { fresh: true };
    let left = pieces.length;
    socket.cork();
    for (const piece of pieces) {
      if (--left > 0) socket.write(piece);
      else socket.write(piece, (error) => this.#written(outstanding, error));
    }
    socket.uncork();
    return this.#isTaken(socket, outstanding);
  }

  #mayWrite(socket: Socket): boolean {
    if (!socket.writable) return false;
    if (this.#stage === "securing") throw new Error("write() while secure() is under way: it would go out in the clear");
    if (this.#outstanding !== null) throw new Error("write() before taken() of the last chunk");
    return true;
  }

  /** Whether the kernel has what was just written, whole; else it is outstanding. */
  #isTaken(socket: Socket, outstanding: Outstanding): boolean {
    const failed = socket.errored !== null;
    if (!failed && !this.encrypted && socket.writableLength === 0) return true;
    this.#outstanding = outstanding;
    if (failed) outstanding.fresh = false;
    else if (!this.encrypted) setImmediate(() => age(outstanding, socket));
    return false;
  }

  async secure(options: SecureOptions, tlsName: string): Promise<void> {
    if (this.#stage !== "plain") throw new Error(`secure() on a link that is ${this.#stage}`);
    this.#stage = "securing";
    // What comes from now on belongs to TLS: the socket keeps it, and Node hands it to the TLS socket.
    this.#inlet?.divert(this.#raw);
    if (this.#inlet === undefined) this.#raw.pause().off("data", this.#onData);
    try {
      const socket = await startTls(this.#raw, options, { ...this.#endpoint, tlsName });
      if (socket.destroyed) throw lostError(this.#endpoint, new Error("closed during the TLS handshake"));
      this.#raw.off("close", this.#onClose);
      this.#socket = socket;
      this.#stage = "secure";
      this.#follow(socket);
    } catch (error) {
      if (error instanceof Error) this.#error ??= error;
      this.#raw.destroy();
      throw error;
    }
  }

  end(): void {
    if (this.#stage === "securing") this.#raw.destroy();
    else this.#socket.end();
  }

  reset(): void {
    if (!isShuttingDown(this.#socket)) {
      this.#raw.resetAndDestroy();
      return;
    }
    // libuv refuses a reset while shutdown(2) is pending, and Node then leaks the socket without closing it. A turn later the FIN is
    // out; if not (a full kernel, under TLS), closing is all that is left.
    setImmediate(() => {
      if (isShuttingDown(this.#socket)) this.#raw.destroy();
      else this.#raw.resetAndDestroy();
    });
  }

  destroy(): void {
    this.#socket.destroy();
  }

  keepAlive(hold: boolean): void {
    if (hold) this.#raw.ref();
    else this.#raw.unref();
  }

  #follow(socket: Socket): void {
    // With an inlet a plain socket reads through that.
    if (socket !== this.#raw || this.#inlet === undefined) socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("close", this.#onClose);
    // Never taken off: an error without a listener would end the process.
    socket.on("error", this.#onError);
  }

  #written(outstanding: Outstanding, error: Error | null | undefined): void {
    if (this.#outstanding !== outstanding || error || this.#socket.destroyed || this.#raw.destroyed) return;
    this.#outstanding = null;
    this.#handler.taken();
  }

  /** A TLS socket goes on with what it has decrypted when the socket below it is reset. */
  readonly #onData = (bytes: Uint8Array): void => {
    if (!this.#raw.destroyed) this.#handler.data(bytes);
  };

  /** The peer's FIN, behind all it sent. Who sent it reads no more that matters: nothing waits for our own half. */
  readonly #onEnd = (): void => {
    this.#socket.destroy();
  };

  readonly #onError = (error: Error): void => {
    this.#error ??= lostError(this.#endpoint, error);
  };

  readonly #onClose = (): void => {
    for (const socket of new Set([this.#raw, this.#socket])) {
      socket.off("data", this.#onData);
      socket.off("end", this.#onEnd);
      socket.off("close", this.#onClose);
    }
    this.#handler.closed(this.#error);
  };
}

/** Only a socket that lives through the turn proves that its write did not finish in it. */
function age(outstanding: Outstanding, socket: Socket): void {
  if (!socket.destroyed) outstanding.fresh = false;
}

/** All bytes are written, the FIN is asked for and not yet out. */
function isShuttingDown(socket: Socket): boolean {
  return socket.writableEnded && !socket.writableFinished && socket.writableLength === 0 && !socket.destroyed;
}

import type { OnReadOpts, Socket } from "node:net";

/**
 * Where a plain socket's bytes go, instead of `data` events: Node reads into memory of ours. All sockets share one piece, since what is read
 * is handed on and used before the next read of any of them: so reading allocates nothing, and an idle connection has no read buffer.
 */
export class Inlet {
  /** For `createConnection()`. */
  readonly onread: OnReadOpts;
  /** Returns false to stop reading. */
  #sink: (bytes: Uint8Array) => boolean = () => true;

  constructor() {
    memory ??= Buffer.allocUnsafeSlow(READ_BYTES);
    const { buffer } = memory;
    this.onread = {
      buffer: memory,
      callback: (bytes) => this.#sink(new Uint8Array(buffer, 0, bytes)),
    };
  }

  /** Bytes go to `sink` from now on. Before, there can be none: see `dial()`. */
  open(sink: (bytes: Uint8Array) => void): void {
    this.#sink = (bytes) => {
      sink(bytes);
      return true;
    };
  }

  /** From now on they wait in the socket, from where a TLS socket above it takes them. */
  divert(socket: Socket): void {
    this.#sink = (bytes) => socket.push(Uint8Array.from(bytes));
  }
}

/** As much as a loaded link has ready in one turn. */
const READ_BYTES = 256 * 1024;
let memory: Buffer | undefined;

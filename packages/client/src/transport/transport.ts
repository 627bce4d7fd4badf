/**
 * The contract between the session and a byte pipe. Every transport (tcp, tls, memory, later websocket) runs the same contract
 * suite, `testing/transport-contract.ts`.
 */

/** Options of Node's TLS that a transport understands; the names are nats-core's `TlsOptions`. */
export interface SecureOptions {
  readonly handshakeFirst?: boolean;
  readonly cert?: string;
  readonly certFile?: string;
  readonly key?: string;
  readonly keyFile?: string;
  readonly ca?: string;
  readonly caFile?: string;
  readonly rejectUnauthorized?: boolean;
  /** Any other option of `node:tls`' `connect()` is passed on. */
  readonly [option: string]: unknown;
}

/** Where to connect. */
export interface Endpoint {
  /** Host name or IP address, without brackets. Names are resolved before dialling: see `Transport.resolve`. */
  readonly hostname: string;
  readonly port: number;
  /** The name the server's certificate must carry; empty when there is none but `hostname`. */
  readonly tlsName: string;
}

/**
 * What a link tells its owner. No call comes before `dial()` resolved, none from inside `write()`, none after `closed`, and after the
 * owner's own `reset()` or `destroy()` only `closed`.
 */
export interface LinkHandler {
  /** Bytes arrived. They are the receiver's until it returns: then the transport may write over them. */
  data(bytes: Uint8Array): void;
  /** The chunk for which `write()` returned `false` is now with the kernel, whole. */
  taken(): void;
  /** The link ended: by the peer, by an error, or by our own `end()`, `reset()` or `destroy()`. Called exactly once. */
  closed(error: Error | null): void;
}

/**
 * One open connection. At most one chunk is outstanding: after `write()` returned `false` the owner waits for `taken()`.
 */
export interface Link {
  /** True from the moment TLS is established. */
  readonly encrypted: boolean;
  /** The largest chunk that is worth handing over at once: 64 KiB for TCP, 256 KiB under TLS. */
  readonly chunkBytes: number;
  /**
   * What is known of an outstanding chunk when the link closes before `taken()`. Read it in `closed()`, or
   * just before your own `reset()` or `destroy()`: it can depend on that moment.
   * `"last-item"`: at least its last byte never left this process, so the last item in it was not handed over whole;
   * `"nothing"`: all of it may have been (TLS, Windows, WebSocket; TCP when the link ended in the very turn of the `write()`).
   */
  readonly unfinished: "last-item" | "nothing";
  /**
   * Hands over one chunk. Returns `true` when the kernel took all of it, `false` when the rest waits: then `taken()` follows, or
   * `closed()` if the link dies first. The chunk must not change until then. On a link that has ended: returns `false`, nothing follows
   * but the `closed()` that is due. Throws, for it is a bug of the owner, while a chunk is outstanding or `secure()` is under way.
   */
  write(chunk: Uint8Array): boolean;
  /** As `write()`, for a chunk that lies in several pieces, one behind the other. At least one. */
  writeAll(pieces: readonly Uint8Array[]): boolean;
  /**
   * Upgrades to TLS in place. Rejects with what went wrong; the link is then destroyed. Call only while nothing is outstanding. What
   * arrives after the call belongs to TLS; what was delivered before it came in the clear, from anybody: trust none of it.
   */
  secure(options: SecureOptions, tlsName: string): Promise<void>;
  /** Sends what was handed over, then FIN. A peer that never answers is the owner's to time out. */
  end(): void;
  /** RST: the kernel forgets what it still held. Under TLS the socket below is reset. */
  reset(): void;
  /** Closes at once without promising how (what the kernel holds may still be sent). */
  destroy(): void;
  /** Whether the open link alone keeps the process alive; it does by default. */
  keepAlive(hold: boolean): void;
}

/** How links are made. */
export interface Transport {
  /** The addresses of a host name, at least one; called anew for every dial. An IP address gives itself. */
  resolve(hostname: string): Promise<readonly string[]>;
  /**
   * Connects. Resolves when bytes can flow (under `secure` with `handshakeFirst`: when TLS is established). Rejects when that fails, or
   * with `signal.reason` when `signal` aborts, leaving nothing open.
   */
  dial(
    endpoint: Endpoint,
    handler: LinkHandler,
    options: { readonly signal: AbortSignal; readonly secure?: SecureOptions },
  ): Promise<Link>;
}

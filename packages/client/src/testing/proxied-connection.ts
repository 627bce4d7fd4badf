import type { Socket } from "node:net";
import { type CutKind, type FlowControls, type FlowSettings, ProxyFlow } from "./proxy-flow.ts";
import { type WireFrame, WireReader } from "./wire-reader.ts";

/** The two directions of a proxied connection. */
export type Direction = "toServer" | "toClient";

/** A frame that the proxy has forwarded whole. `start` and `end` count the bytes forwarded this way on this connection. */
export interface ProxiedFrame extends WireFrame {
  readonly direction: Direction;
  readonly connection: ProxiedConnection;
}

/** What the proxy wants of a connection. */
export interface ConnectionHooks {
  /** How many bytes of each direction to keep, the first ones. */
  readonly record: number;
  readonly onFrame: ((frame: ProxiedFrame) => void) | undefined;
  readonly onBytes: (direction: Direction, count: number) => void;
  /** It was cut, or both sides have ended by themselves. */
  readonly onOver: () => void;
}

/** One direction of one connection: its faults, its figures, and a cut at an exact byte. */
export interface ConnectionFlow extends FlowControls {
  /** Bytes that the receiver's kernel has taken, since the beginning. */
  readonly forwarded: number;
  /** Bytes that were read but will never be forwarded: swallowed, or inside the proxy at a cut. */
  readonly discarded: number;
  /**
   * Cuts the connection when exactly `bytes` of it have been forwarded this way, counted from its first byte; at once if they
   * have already. `kind` is `"rst"` unless told otherwise. Throws a `RangeError` unless `bytes` is a whole number of at least 0.
   */
  cutAfter(bytes: number, kind?: CutKind): void;
}

/** One connection through a {@link FaultProxy}. Its figures stay readable after its end. */
export class ProxiedConnection {
  /** 1 for the first connection the proxy forwarded, then counted on. */
  readonly id: number;
  /** From the client to the server. */
  readonly toServer: ConnectionFlow;
  /** From the server to the client. */
  readonly toClient: ConnectionFlow;
  /**
   * Resolves when nothing more will be forwarded, all that was is counted, and both sides have been told. After a cut this waits
   * for the server side to take what was forwarded: not while a frozen server's TCP window is closed.
   */
  readonly ended: Promise<void>;

  readonly #client: Socket;
  readonly #server: Socket;
  readonly #flows: readonly [ProxyFlow, ProxyFlow];
  readonly #recorders: Readonly<Record<Direction, Recorder>>;
  readonly #onOver: () => void;
  #over = false;
  #end: () => void = () => {};

  /** @internal Made by the proxy when the connection to the server stands; `client` must be paused until now. */
  constructor(
    id: number,
    client: Socket,
    server: Socket,
    settings: Readonly<Record<Direction, FlowSettings>>,
    hooks: ConnectionHooks,
  ) {
    this.id = id;
    this.#onOver = hooks.onOver;
    this.#client = client;
    this.#server = server;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#recorders = {
      toServer: new Recorder(hooks.record, this.#frameSink("toServer", hooks)),
      toClient: new Recorder(hooks.record, this.#frameSink("toClient", hooks)),
    };
    const toServer = this.#flow("toServer", client, server, settings.toServer, hooks);
    const toClient = this.#flow("toClient", server, client, settings.toClient, hooks);
    this.#flows = [toServer, toClient];
    this.toServer = toServer;
    this.toClient = toClient;
  }

  /** The first bytes forwarded this way, as many as the proxy's option `record` allows. */
  recorded(direction: Direction): Uint8Array {
    return this.#recorders[direction].bytes();
  }

  /** What made this direction unreadable as NATS protocol (such as TLS), or `null`. Only with the proxy's option `onFrame`. */
  frameError(direction: Direction): Error | null {
    return this.#recorders[direction].error;
  }

  /** @internal Sets faults of one direction; `toServer` and `toClient` have a method for each. */
  apply(direction: Direction, change: Partial<FlowSettings>): void {
    this.#flows[direction === "toServer" ? 0 : 1].apply(change);
  }

  /**
   * Cuts the connection now, by RST unless told otherwise; bytes still inside the proxy are discarded. The same promise as
   * `ended`.
   */
  cut(kind: CutKind = "rst"): Promise<void> {
    if (this.#over) return this.ended;
    for (const flow of this.#flows) flow.close();
    if (kind === "fin") this.#client.end();
    else reset(this.#client);
    if (kind === "rst-both") reset(this.#server);
    else this.#server.end();
    // The flows go on reading and discarding: closing a socket with unread bytes would send RST instead of FIN.
    this.#finish();
    return this.ended;
  }

  #flow(direction: Direction, source: Socket, sink: Socket, settings: FlowSettings, hooks: ConnectionHooks): ProxyFlow {
    return new ProxyFlow(source, sink, settings, {
      forwarded: (bytes, afterGap) => {
        this.#recorders[direction].take(bytes, afterGap);
        hooks.onBytes(direction, bytes.length);
      },
      limitReached: (kind) => void this.cut(kind),
      ended: (how) => {
        // Towards the server always FIN, for the reason given at CutKind.
        if (how === "rst" && direction === "toClient") reset(sink);
        else sink.end();
        if (this.#flows.every((flow) => flow.closed)) this.#finish();
      },
    });
  }

  /**
   * Nothing more will be forwarded. Each side is told when its FIN has gone out behind all that was written, or its socket is
   * gone.
   */
  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#onOver();
    const sides = [this.#client, this.#server].map(told);
    void Promise.all(sides).then(() => this.#end());
  }

  #frameSink(direction: Direction, { onFrame }: ConnectionHooks): ((frame: WireFrame) => void) | undefined {
    if (onFrame === undefined) return undefined;
    return (frame) => onFrame({ ...frame, direction, connection: this });
  }
}

/** Keeps the first bytes of one direction and reads its frames. */
class Recorder {
  readonly #limit: number;
  #reader: WireReader | null;
  #error: Error | null = null;
  #parts: Uint8Array[] = [];
  #size = 0;

  constructor(limit: number, onFrame: ((frame: WireFrame) => void) | undefined) {
    this.#limit = limit;
    this.#reader = onFrame === undefined ? null : new WireReader(onFrame);
  }

  get error(): Error | null {
    return this.#reader?.error ?? this.#error;
  }

  take(bytes: Uint8Array, afterGap: boolean): void {
    if (afterGap && this.#reader !== null) {
      this.#reader = null;
      this.#error = new Error("bytes were swallowed before these: frames can no longer be told apart");
    }
    this.#reader?.push(bytes);
    const room = this.#limit - this.#size;
    if (room <= 0) return;
    const kept = bytes.subarray(0, room);
    this.#parts.push(kept);
    this.#size += kept.length;
  }

  bytes(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#parts));
  }
}

function reset(socket: Socket): void {
  // A socket that is not connected yet has no peer to send a RST to.
  if (socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}

function told(socket: Socket): Promise<void> {
  if (socket.writableFinished || socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    socket.once("finish", resolve);
    socket.once("close", resolve);
  });
}

import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket, type TLSSocketOptions } from "node:tls";
import { CommandLog } from "./command-log.ts";
import { encodeMessage, type FakeMessage } from "./fake-message.ts";
import type { FakeRouter } from "./fake-router.ts";
import { decodeObject, FakeService, type Refusal } from "./fake-service.ts";
import { LimitedReader } from "./limited-reader.ts";
import type { WireFrame } from "./wire-reader.ts";

/** What a {@link FakeConnection} needs from its server. */
export interface FakeConnectionPlan {
  readonly id: number;
  readonly info: Readonly<Record<string, unknown>>;
  readonly router: FakeRouter;
  readonly tls: TLSSocketOptions | null;
  readonly tlsFirst: boolean;
  readonly recordBytes: number;
  readonly timeoutMs: number;
}

/**
 * One client's connection to a {@link FakeServer}. Scripts read what the client sent (`expect()`, `waitFor()`, `next()`, or
 * `for await`), and send what they like; `serve()` lets it behave like a small real server from then on.
 */
export class FakeConnection {
  /** 1 for the server's first connection, then counted on. */
  readonly id: number;
  /** Resolves when the socket is closed, whoever did it. */
  readonly closed: Promise<void>;

  readonly #plan: FakeConnectionPlan;
  readonly #socket: Socket;
  readonly #log: CommandLog;
  readonly #reader: LimitedReader;
  /** The socket itself, or the TLS stream on it. */
  #stream: Duplex;
  /** What answers the client; `null` while nobody does, except the script. */
  #service: FakeService | null = null;
  #infoSent = false;
  /** As announced to this client last. */
  #maxPayload: unknown;
  /** More than the real server would refuse. */
  #refusal: Refusal = () => undefined;

  /** @internal Made by the server. */
  constructor(socket: Socket, plan: FakeConnectionPlan) {
    this.id = plan.id;
    this.#plan = plan;
    this.#socket = socket;
    this.#log = new CommandLog(plan.recordBytes);
    this.#reader = new LimitedReader((command) => this.#receive(command));
    this.#stream = socket;
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => {});
    socket.once("end", () => this.#log.close(new Error("the client ended the connection")));
    socket.once("close", () => {
      this.#log.close(new Error("the connection was closed"));
      this.#service?.close();
    });
    this.#listen(socket);
  }

  /** Every command the client sent, with headers and payload, as far as `recordBytes` allows. */
  get commands(): readonly WireFrame[] {
    return this.#log.all;
  }

  /** How many commands the client sent, those not kept included. */
  get commandsSeen(): number {
    return this.#log.seen;
  }

  /** What in the client's bytes was not the NATS protocol, or `null`. Nothing is read after it. */
  get protocolError(): Error | null {
    return this.#reader.error;
  }

  /** Bytes the client sent that are not a whole command yet. */
  get unfinishedBytes(): number {
    return this.#reader.unfinished;
  }

  /** Bytes of the client that were read, under TLS after it was decrypted. */
  get bytesRead(): number {
    return this.#reader.read;
  }

  /** Sends anything. Returns at once; what the socket does not take is kept in memory. */
  send(data: string | Uint8Array): void {
    this.#stream.write(data);
  }

  /** `INFO {…}` with the server's fields and `changes`. */
  sendInfo(changes: Readonly<Record<string, unknown>> = {}): void {
    this.#infoSent = true;
    const tls = this.#plan.tls === null ? {} : { tls_required: true };
    const info: Readonly<Record<string, unknown>> = { ...this.#plan.info, client_id: this.id, ...tls, ...changes };
    this.#maxPayload = info.max_payload;
    this.send(`INFO ${JSON.stringify(info)}\r\n`);
  }

  /** Sends a PING. */
  ping(): void {
    this.send("PING\r\n");
  }

  /** Sends a PONG. */
  pong(): void {
    this.send("PONG\r\n");
  }

  /** `-ERR '…'`; the quotes are added. The connection stays open: a fatal one is followed by `end()` or `reset()`. */
  error(text: string): void {
    this.send(`-ERR '${text}'\r\n`);
  }

  /** `MSG …`, or `HMSG …` with headers. */
  message(message: FakeMessage): void {
    this.send(encodeMessage(message));
  }

  /** The next command not read yet. Rejects when none comes within the server's `timeoutMs`, or the client closes first. */
  next(): Promise<WireFrame> {
    return this.#log.next("a command", this.#plan.timeoutMs);
  }

  /** Like `next()`, and rejects when it is another command than `verb`. */
  async expect(verb: string): Promise<WireFrame> {
    const command = await this.#log.next(verb, this.#plan.timeoutMs);
    if (command.verb === verb) return command;
    throw new Error(`expected ${verb}, but the client sent "${`${command.verb} ${command.rest}`.slice(0, 200)}"`);
  }

  /** `expect("CONNECT")`, and resolves with its options. */
  async expectConnect(): Promise<Record<string, unknown>> {
    return decodeObject((await this.expect("CONNECT")).rest);
  }

  /**
   * Reads on until a command of this verb, or one for which the function returns true, and resolves with it. Rejects like
   * `next()`.
   */
  async waitFor(wanted: string | ((command: WireFrame) => boolean)): Promise<WireFrame> {
    const fits = typeof wanted === "string" ? (command: WireFrame): boolean => command.verb === wanted : wanted;
    for (;;) {
      const command = await this.#log.next(typeof wanted === "string" ? wanted : "the awaited command", this.#plan.timeoutMs);
      if (fits(command)) return command;
    }
  }

  /** The commands not read yet and those to come, until the connection ends. */
  async *[Symbol.asyncIterator](): AsyncGenerator<WireFrame, void> {
    for (;;) {
      const command = await this.#log.next("a command", Number.POSITIVE_INFINITY).catch(() => null);
      if (command === null) return;
      yield command;
    }
  }

  /**
   * From now on behaves like a small real server: sends INFO if the script has not, upgrades to TLS if the server has it, answers
   * CONNECT and PING, and routes messages between the connections that are served. Commands that the script has read already are
   * not answered; it can still read the others.
   */
  async serve(): Promise<void> {
    if (!this.#infoSent && !(await this.#greet())) return;
    if (this.#service !== null) return;
    this.#service = this.#newService();
    for (const command of this.#log.unread()) this.#service?.answer(command);
  }

  /**
   * While it is served, `refusal` is asked about each PUB and HPUB that `max_payload` allows, with those behind it still unread: what no
   * INFO announces.
   */
  refuseWhen(refusal: Refusal): void {
    this.#refusal = refusal;
  }

  /** Answers nothing any more; what the client sends is still read and recorded. */
  ignore(): void {
    this.#service?.close();
    this.#service = null;
  }

  /** Withholds PONGs until {@link releasePongs}. Throws unless the connection is served. */
  holdPongs(): void {
    this.#serving("holdPongs()").holdPongs();
  }

  /** How many PONGs are withheld. */
  get heldPongs(): number {
    return this.#service?.heldPongs ?? 0;
  }

  /** Sends `count` of the PONGs withheld and goes on withholding; without a count sends them all and stops withholding. */
  releasePongs(count?: number): void {
    this.#serving("releasePongs()").releasePongs(count);
  }

  /** Stops reading: the client's TCP window closes. */
  pause(): void {
    this.#stream.pause();
  }

  /** Reads again after {@link pause}. */
  resume(): void {
    this.#stream.resume();
  }

  /** Upgrades to TLS with the server's option `tls`; resolves when the handshake is done. `serve()` does it by itself. */
  async secure(): Promise<void> {
    if (this.#plan.tls === null) throw new Error("secure() needs the option tls of startFakeServer()");
    this.#socket.removeAllListeners("data");
    const secured = new TLSSocket(this.#socket, { ...this.#plan.tls, isServer: true });
    this.#stream = secured;
    await new Promise<void>((resolve, reject) => {
      secured.once("secure", resolve);
      secured.once("error", reject);
      this.#socket.once("close", () => reject(new Error("the connection was closed in the TLS handshake")));
    });
    secured.on("error", () => {});
    this.#listen(secured);
  }

  /** FIN, behind all that was sent. What the client still sends is read and recorded. */
  end(): void {
    this.#stream.end();
  }

  /** RST; also under TLS. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /**
   * Cuts the connection when exactly `bytes` of the client's bytes were read, as `bytesRead` counts them; at once if they were already.
   * What was answered until then is sent; what the client has sent behind them is read by nobody. Throws a `RangeError` unless `bytes` is a
   * whole number of at least 0.
   */
  cutAfter(bytes: number, kind: "rst" | "fin" = "rst"): void {
    this.#reader.limit(bytes, () => (kind === "rst" ? this.reset() : this.end()));
  }

  /** INFO and TLS. False when the client would not have TLS: its right, and no failure of a script. */
  async #greet(): Promise<boolean> {
    const { tls, tlsFirst } = this.#plan;
    try {
      if (tls !== null && tlsFirst) await this.secure();
      this.sendInfo();
      if (tls !== null && !tlsFirst) await this.secure();
      return true;
    } catch {
      this.#socket.destroy();
      return false;
    }
  }

  #listen(stream: Duplex): void {
    stream.on("data", (bytes: Uint8Array) => this.#reader.push(bytes));
  }

  #receive(command: WireFrame): void {
    this.#log.add(command);
    this.#service?.answer(command);
  }

  #newService(): FakeService {
    const out = {
      send: (data: string) => this.send(data),
      deliver: (message: FakeMessage) => this.message(message),
      fail: (text: string | null) => {
        this.ignore();
        if (text === null) {
          this.reset();
          return;
        }
        this.error(text);
        this.end();
      },
    };
    return new FakeService(out, this.#plan.router, (command) => {
      const { args } = command;
      const tooLong = typeof this.#maxPayload === "number" && Number(args.at(-1)) > this.#maxPayload;
      return tooLong ? "Maximum Payload Violation" : this.#refusal(command);
    });
  }

  #serving(wanted: string): FakeService {
    if (this.#service !== null) return this.#service;
    throw new Error(`${wanted} needs a connection that is served: call serve() first`);
  }
}

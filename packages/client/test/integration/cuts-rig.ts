/** One client and one fake server whose connections are cut one after the other, each at an exact byte, and what must hold after each cut. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setImmediate as nextTurn, setTimeout } from "node:timers/promises";
import {
  connect,
  type Delivery,
  FlushError,
  type HoldfastConnection,
  type HoldfastOptions,
  UndeliveredError,
} from "../../src/index.ts";
import { type FakeConnection, type FakeServer, startFakeServer } from "../../src/testing/index.ts";
import { authority, certificate } from "../transport/certificates.ts";
import { CutBooks } from "./cuts-messages.ts";

/** Payload bytes of the message that each new connection begins with. */
const WARM = 8;
/** One message in so many has a promise of its own. */
const CONFIRM_EVERY = 17;
const PONGS = "PONG\r\n".repeat(2);
/** How long `fill()` waits for the kernels to take what they can, ms. */
const FILL_MS = 15;
/** Messages that wait in `chain()`. */
const WAITING = 50;

/** What a rig is made of. */
export interface CutParts {
  readonly delivery: Delivery;
  readonly tls: boolean;
  readonly client?: HoldfastOptions;
}

/** One cut. */
export interface Cut {
  /** The server reads so many bytes behind the last confirmed message, and no more. */
  readonly bytes: number;
  readonly kind: "rst" | "fin";
  /** Whether the server answers the PINGs among them. */
  readonly pongs: boolean;
  /** Payload bytes of the messages that are published, at least 8 each. */
  readonly sizes: readonly number[];
  /** How many of them in one turn of the event loop; a flush or a SUB and its UNSUB go behind every third turn. */
  readonly perTurn: number;
  /** The server does not read before all is published: what its kernel cannot hold stays with the client. */
  readonly late?: boolean;
  /** Bytes of withheld PONGs that the server sends right before it cuts. */
  readonly answer?: number;
}

/** Made by `start()`. */
export class CutRig {
  readonly nc: HoldfastConnection;
  readonly #server: FakeServer;
  readonly #delivery: Delivery;
  readonly #books: CutBooks;
  /** What the promises of messages said. */
  readonly #told = new Map<number, string>();
  #connection: FakeConnection;
  #cuts = 0;

  static async start(t: TestContext, { delivery, tls, client }: CutParts): Promise<CutRig> {
    const ca = await authority("holdfast cuts");
    const { cert, key } = await certificate(ca, ["localhost"], ["127.0.0.1"]);
    const server = await startFakeServer({
      info: { max_payload: 64 * 1024 * 1024 },
      ...(tls ? { tls: { cert, key } } : {}),
    });
    const books = new CutBooks();
    const first = server.nextConnection();
    const nc = await connect({
      servers: server.url,
      delivery,
      reconnectTimeWait: 0,
      reconnectJitter: 0,
      reconnectJitterTLS: 0,
      reconnectBuffer: 256 * 1024 * 1024,
      ...(tls ? { tls: { ca: ca.cert } } : {}),
      ...client,
      onUndelivered: (batch) => books.back(batch),
    });
    t.after(async () => {
      await nc.close();
      await server.stop();
    });
    return new CutRig(nc, server, delivery, books, await first);
  }

  private constructor(
    nc: HoldfastConnection,
    server: FakeServer,
    delivery: Delivery,
    books: CutBooks,
    connection: FakeConnection,
  ) {
    this.nc = nc;
    this.#server = server;
    this.#delivery = delivery;
    this.#books = books;
    this.#connection = connection;
  }

  /** Figures for people. */
  get figures(): string {
    const { accepted, inDoubt, resent } = this.nc.outbound.counts();
    return `${this.#cuts} cuts, ${accepted} messages, ${inDoubt} in doubt, ${resent} sent again, ${this.#books.copies} read again`;
  }

  /** Cuts the connection and looks, when the next one has settled everything, whether all is as promised. */
  async cut(cut: Cut): Promise<void> {
    const cutConnection = this.#connection;
    const from = this.#books.published;
    const base = cutConnection.bytesRead;
    const next = this.#server.nextConnection();
    if (!cut.pongs || cut.answer !== undefined) cutConnection.holdPongs();
    if (cut.late === true) cutConnection.pause();
    else if (cut.answer === undefined) cutConnection.cutAfter(base + cut.bytes, cut.kind);
    const flushes = await this.#publish(cut);
    if (cut.answer !== undefined) {
      while (cutConnection.bytesRead < base + cut.bytes) await nextTurn();
      cutConnection.send(PONGS.slice(0, cut.answer));
      cutConnection.cutAfter(cutConnection.bytesRead, cut.kind);
    }
    if (cut.late === true) {
      cutConnection.cutAfter(base + cut.bytes, cut.kind);
      cutConnection.resume();
    }
    await this.#renew(next);
    await Promise.all(flushes);
    this.#judge(cut, from, cutConnection, base);
    assert.deepEqual(this.#books.problems, [], `after cut ${this.#cuts}, ${JSON.stringify({ ...cut, sizes: cut.sizes.length })}`);
  }

  /**
   * Publishes one message while the server reads nothing, ends the connection by FIN, and lets the server read all that the client's kernel
   * had. Returns whether that was the whole message; then, and only then, it must have been in flight when the connection ended.
   */
  async fill(payloadBytes: number): Promise<boolean> {
    const connection = this.#connection;
    const from = this.#books.published;
    const base = connection.bytesRead;
    const { resent, inDoubt } = this.nc.outbound.counts();
    const next = this.#server.nextConnection();
    connection.pause();
    this.#publishOne(payloadBytes);
    await setTimeout(FILL_MS);
    connection.end();
    connection.resume();
    await connection.closed;
    await this.#renew(next);
    const whole = this.#readAll(connection, base).length > 0;
    this.#readAll(this.#connection, 0);
    this.#judgeStates(from, []);
    const after = this.nc.outbound.counts();
    const flown = after.resent + after.inDoubt - resent - inDoubt > 0;
    if (whole !== flown) this.#books.problem(`read whole: ${whole}, in flight: ${flown}, ${payloadBytes} bytes`);
    assert.deepEqual(this.#books.problems, []);
    return whole;
  }

  /**
   * Cuts one connection after the other, the nth after n - 1 bytes from its first one: in CONNECT, in the handshake, in the first messages.
   * Messages wait all the time. Then looks at everything.
   */
  async chain(connections: number): Promise<void> {
    const from = this.#books.published;
    const seen: FakeConnection[] = [];
    const { script } = this.#server;
    const through = new Promise<void>((resolve) => {
      this.#server.script = (connection) => {
        const bytes = seen.push(connection) - 1;
        if (bytes === connections) resolve();
        else connection.cutAfter(bytes, bytes % 4 === 3 ? "fin" : "rst");
        while (this.nc.outbound.held.messages < WAITING) this.#publishOne(8 + (this.#books.published % 9));
        return connection.serve();
      };
    });
    this.#connection.reset();
    await through;
    this.#server.script = script;
    await this.#renew(Promise.resolve(seen.at(-1) ?? this.#connection));
    this.#cuts += connections - 1;
    for (const connection of seen) this.#readAll(connection, 0);
    this.#judgeStates(from, []);
    assert.deepEqual(this.#books.problems, []);
  }

  /** The next connection settles everything. */
  async #renew(next: Promise<FakeConnection>): Promise<void> {
    this.#connection = await next;
    // The first one confirmed lifts the poison rule's small window, which would keep what comes next from being cut where it is to be.
    this.#publishOne(WARM);
    await this.nc.flush();
    await this.#backHanded();
    this.#cuts += 1;
  }

  async #publish({ sizes, perTurn }: Cut): Promise<Promise<void>[]> {
    const flushes: Promise<void>[] = [];
    for (let at = 0; at < sizes.length; at += perTurn) {
      if (at > 0) await nextTurn();
      for (const size of sizes.slice(at, at + perTurn)) {
        this.#publishOne(size);
      }
      const turn = at / perTurn;
      if (turn % 6 === 2) flushes.push(this.#flush());
      if (turn % 6 === 5) this.nc.subscribe("control.frames").unsubscribe();
    }
    return flushes;
  }

  #publishOne(payloadBytes: number): void {
    const number = this.#books.published;
    const { subject, payload, options } = this.#books.next(payloadBytes);
    if (number % CONFIRM_EVERY !== 0) {
      this.nc.publish(subject, payload, options);
      return;
    }
    this.nc.outbound.publishAndConfirm(subject, payload, options).then(
      () => this.#told.set(number, "confirmed"),
      (error) => this.#told.set(number, error instanceof UndeliveredError ? error.state : String(error)),
    );
  }

  /** A flush that says that all before it was read must be right. */
  async #flush(): Promise<void> {
    const to = this.#books.published;
    const from = to - this.nc.outbound.held.messages;
    try {
      await this.nc.flush();
    } catch (error) {
      assert.ok(error instanceof FlushError, String(error));
      return;
    }
    for (let number = from; number < to; number++) {
      if (this.#books.stateOf(number) !== undefined) this.#books.problem(`a flush resolved, but ${number} was handed back`);
    }
  }

  async #backHanded(): Promise<void> {
    const { accepted, confirmed } = this.nc.outbound.counts();
    for (const end = performance.now() + 10_000; this.#books.handedBack < accepted - confirmed; await nextTurn()) {
      assert.ok(performance.now() < end, `${accepted - confirmed} are to be handed back, ${this.#books.handedBack} were`);
    }
  }

  #judge({ bytes, pongs, answer }: Cut, from: number, cutConnection: FakeConnection, base: number): void {
    const read = cutConnection.bytesRead - base;
    if (answer === undefined ? read !== bytes : read < bytes) this.#books.problem(`the server read ${read} bytes, not ${bytes}`);
    const numbers = this.#readAll(cutConnection, base);
    this.#readAll(this.#connection, 0);
    this.#judgeStates(from, pongs ? [] : numbers);
    if (this.#delivery === "at-most-once") this.#books.checkSideBySide(from);
  }

  /** The numbers of all messages that came on a connection behind this byte. */
  #readAll({ protocolError, commands }: FakeConnection, base: number): number[] {
    if (protocolError !== null) this.#books.problem(protocolError.message);
    const behind = commands.filter(({ start }) => start >= base);
    return this.#books.read(behind, this.#delivery === "at-least-once");
  }

  #judgeCounts(): void {
    const { accepted, refused, resent, ...states } = this.nc.outbound.counts();
    const sum = Object.values(states).reduce((total, count) => total + count, 0);
    const { published, handedBack, copies } = this.#books;
    if (accepted !== published || accepted !== sum || refused !== 0 || states.confirmed !== published - handedBack)
      this.#books.problem(`${published} published, ${handedBack} handed back: ${JSON.stringify(this.nc.outbound.counts())}`);
    if (copies > resent) this.#books.problem(`${copies} were read again, ${resent} were sent again`);
  }

  /**
   * Each message was read or is in doubt; at least once: read, and nothing else. At most once, none was read twice (the books see to that), and
   * what was read without a PONG is in doubt.
   */
  #judgeStates(from: number, unanswered: readonly number[]): void {
    const books = this.#books;
    const { messages } = this.nc.outbound.held;
    if (messages !== 0) books.problem(`${messages} messages are held behind a flush`);
    this.#judgeCounts();
    const again = this.#delivery === "at-least-once";
    for (let number = from; number < books.published; number++) {
      const state = books.stateOf(number);
      if (state === undefined && books.readsOf(number) === 0) books.problem(`message ${number} is confirmed and was never read`);
      if (state !== undefined && (again || state !== "inDoubt")) books.problem(`message ${number} ended ${state}`);
      const told = number % CONFIRM_EVERY === 0 ? this.#told.get(number) : (state ?? "confirmed");
      if (told !== (state ?? "confirmed")) books.problem(`message ${number} ended ${state}, its promise said ${told}`);
    }
    for (const number of again ? [] : unanswered) {
      if (books.stateOf(number) !== "inDoubt") books.problem(`message ${number} was confirmed without a PONG`);
    }
  }
}

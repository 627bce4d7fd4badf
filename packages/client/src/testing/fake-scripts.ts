import type { FakeConnection } from "./fake-connection.ts";
import type { FakeScript } from "./fake-server.ts";

/** Servers that misbehave, ready to be given to `startFakeServer({ script })`. */
export interface FakeScripts {
  /** Accepts and never says a word. */
  readonly neverSendsInfo: FakeScript;
  /** INFO, then FIN. */
  readonly closesAfterInfo: FakeScript;
  /** INFO, then RST as soon as the client has answered with a command. */
  readonly resetsAfterInfo: FakeScript;
  /** Bytes that are no protocol at all, and nothing else. */
  readonly speaksGarbage: FakeScript;
  /** An INFO of `bytes` bytes (default 10 MiB) that is otherwise right; then a real server. */
  readonly sendsHugeInfo: (bytes?: number) => FakeScript;
  /** A real server until its first SUB and the PING behind that; then the first half of a MSG for it, and nothing more. */
  readonly sendsHalfAMessage: FakeScript;
  /** A real server that, after the handshake, sends a MSG for a sid nobody asked for. */
  readonly sendsUnknownSid: FakeScript;
  /** Reads everything, answers CONNECT and the first PING, then never again. */
  readonly swallowsAfterHandshake: FakeScript;
  /** INFO, then this `-ERR` in answer to CONNECT, then FIN: `refuses("Authorization Violation")`. */
  readonly refuses: (text: string) => FakeScript;
}

/** See {@link FakeScripts}. */
export const fakeScripts: FakeScripts = {
  neverSendsInfo: () => {},
  closesAfterInfo: (connection) => {
    connection.sendInfo();
    connection.end();
  },
  resetsAfterInfo: async (connection) => {
    connection.sendInfo();
    // A RST right behind INFO could overtake it: wait until the client has read it.
    await connection.next();
    connection.reset();
  },
  speaksGarbage: (connection) => connection.send(Buffer.from("\x00\xff\xfeHTTP/1.1 400 Bad Request\r\n\r\n", "latin1")),
  sendsHugeInfo:
    (bytes = 10 * 1024 * 1024) =>
    (connection) => {
      connection.sendInfo({ padding: "x".repeat(bytes) });
      return connection.serve();
    },
  sendsHalfAMessage: async (connection) => {
    await handshake(connection);
    const subscription = await connection.waitFor("SUB");
    await connection.waitFor("PING");
    // A PONG sent from now on would be taken for the missing half.
    connection.ignore();
    connection.send(`MSG ${subscription.args[0]} ${subscription.args.at(-1)} 100\r\nonly half of what was announ`);
  },
  sendsUnknownSid: async (connection) => {
    await handshake(connection);
    connection.message({ sid: 987_654, subject: "nobody.asked", payload: "surprise" });
  },
  swallowsAfterHandshake: async (connection) => {
    connection.sendInfo();
    await connection.expectConnect();
    await connection.waitFor("PING");
    connection.pong();
  },
  refuses: (text) => async (connection) => {
    connection.sendInfo();
    await connection.expectConnect();
    connection.error(text);
    connection.end();
  },
};

async function handshake(connection: FakeConnection): Promise<void> {
  await connection.serve();
  await connection.waitFor("CONNECT");
  await connection.waitFor("PING");
}

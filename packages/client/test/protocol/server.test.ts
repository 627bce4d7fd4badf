/** Our encoder and parser against a real nats-server, over a plain socket: nothing in between could make up for a mistake. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { encodeConnect, encodeSub, encodeUnsub, PING } from "../../src/protocol/encode.ts";
import { parseInfo } from "../../src/protocol/info.ts";
import { Parser } from "../../src/protocol/parse.ts";
import { maxPubBytes, PubEncoder } from "../../src/protocol/pub-encoder.ts";
import { isFatal, serverErrorKind } from "../../src/protocol/server-error.ts";
import { type NatsServer, startNatsServer } from "../../src/testing/nats-server.ts";
import { type Recorder, recorder, type Seen } from "./builders.ts";

let server: NatsServer;
before(async () => {
  server = await startNatsServer({
    config: {
      max_payload: 100_000,
      authorization: {
        users: [
          { user: "free", password: "p" },
          { user: "bound", password: "p", permissions: { publish: { deny: "denied" }, subscribe: { deny: "denied" } } },
        ],
      },
    },
  });
});
after(() => server.stop());

/** The text of the first `-ERR` that was seen. */
function errorText(wire: Wire): string {
  for (const event of wire.events.seen) if (event.kind === "error") return event.text;
  assert.fail("no -ERR came");
}

/** A socket with our parser behind it. */
interface Wire extends AsyncDisposable {
  readonly events: Recorder;
  send(...bytes: Uint8Array[]): void;
  /** Sends a PING and resolves with what was seen since the last call, when its PONG is there. */
  roundTrip(): Promise<Seen[]>;
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<void>;
}

async function open(user: string, connectOptions: object = {}): Promise<Wire> {
  const socket: Socket = connect(server.port, "127.0.0.1");
  const events = recorder();
  const waiting: (() => void)[] = [];
  const parser = new Parser({ ...events, pong: () => waiting.shift()?.() });
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  socket.on("error", () => {});
  let failed: unknown;
  socket.on("data", (chunk) => {
    try {
      parser.parse(chunk);
    } catch (error) {
      failed = error;
      socket.destroy();
    }
  });
  const wire: Wire = {
    events,
    send: (...list) => void socket.write(Buffer.concat(list)),
    roundTrip: async () => {
      const pong = new Promise<void>((resolve) => waiting.push(resolve));
      socket.write(PING);
      await Promise.race([pong, closed]);
      if (failed !== undefined) throw failed;
      return events.seen.splice(0);
    },
    closed,
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
      await closed;
    },
  };
  const options = {
    verbose: false,
    pedantic: false,
    protocol: 1,
    headers: true,
    no_responders: true,
    lang: "test",
    version: "0",
  };
  wire.send(encodeConnect({ ...options, user, pass: "p", ...connectOptions }));
  return wire;
}

const encoder = new PubEncoder();

function pub(subject: string, reply: string, headers: Uint8Array | null, payload: Uint8Array | string): Buffer {
  const into = Buffer.alloc(maxPubBytes(subject, reply, headers, payload));
  const view = new DataView(into.buffer, into.byteOffset, into.length);
  return into.subarray(0, encoder.encode(into, view, 0, subject, reply, headers, payload));
}

test("the INFO of a real server is read", async () => {
  await using wire = await open("free");
  const [first] = await wire.roundTrip();
  assert.equal(first?.kind, "info");
  const info = parseInfo(first.kind === "info" ? first.text : "");
  assert.equal(info.max_payload, 100_000);
  assert.equal(info.version, server.version);
  assert.equal(info.headers, true);
});

test("what is published comes back byte for byte: subjects, replies, headers and payloads of all sizes", async () => {
  await using wire = await open("free");
  wire.send(encodeSub(">", "", 42));
  await wire.roundTrip();
  const expected: Seen[] = [];
  for (const subject of ["a", "greet.joe", "größe.日本.🎉", "s".repeat(200)]) {
    for (const reply of ["", "_INBOX.x", "ответ.1"]) {
      for (const headers of [null, Buffer.from("NATS/1.0\r\nA: b\r\nGröße: ü\r\n\r\n")]) {
        for (const size of [0, 9, 10, 99, 100, 999, 1000, 70_000]) {
          for (const payload of [Buffer.alloc(size, "xyz"), "é".repeat(size / 2)]) {
            wire.send(pub(subject, reply, headers, payload));
            expected.push({
              kind: "message",
              subject,
              sid: 42,
              reply: reply === "" ? undefined : reply,
              headers: headers === null ? "" : headers.toString("latin1"),
              data: Buffer.from(payload).toString("latin1"),
            });
          }
        }
      }
    }
  }
  const seen = await wire.roundTrip();
  assert.equal(seen.length, expected.length);
  assert.deepEqual(seen, expected);
});

test("the server honours our SUB with queue and our UNSUB with and without maximum", async () => {
  await using wire = await open("free");
  wire.send(encodeSub("q", "workers", 1), encodeSub("q", "workers", 2), encodeSub("max", "", 3), encodeUnsub(3, 2));
  for (let i = 0; i < 5; i++) wire.send(pub("max", "", null, `${i}`));
  wire.send(pub("q", "", null, "once"));
  const seen = (await wire.roundTrip()).filter((event) => event.kind === "message");
  assert.deepEqual(
    seen.filter((event) => event.subject === "max").map((event) => event.data),
    ["0", "1"],
  );
  assert.equal(seen.filter((event) => event.subject === "q").length, 1);
  wire.send(encodeUnsub(1), encodeUnsub(2), pub("q", "", null, "nobody"));
  assert.deepEqual(await wire.roundTrip(), []);
});

test("a permission violation is not fatal", async () => {
  await using wire = await open("bound");
  await wire.roundTrip();
  wire.send(pub("denied", "", null, ""), encodeSub("denied", "", 1));
  const errors = await wire.roundTrip();
  assert.equal(errors.length, 2);
  for (const error of errors) {
    assert.ok(
      error.kind === "error" && serverErrorKind(error.text) === "permission" && !isFatal(error.text),
      JSON.stringify(error),
    );
  }
});

test("the server refuses empty tokens in a SUB and takes them in a PUB, and the connection lives on", async () => {
  await using wire = await open("free");
  await wire.roundTrip();
  wire.send(encodeSub("a..b", "", 1), pub("a..b", "", null, "x"), pub(".a", "", null, "x"), pub("a.", "", null, "x"));
  assert.deepEqual(await wire.roundTrip(), [{ kind: "error", text: "Invalid Subject" }]);
  assert.equal(isFatal("Invalid Subject"), false);
});

test("stars and greater-than signs that are no wildcards are plain text for the server, and so are wildcards in a PUB", async () => {
  await using wire = await open("free");
  wire.send(encodeSub("plain.a", "", 1), encodeSub("plain.*", "", 2));
  for (const subject of ["plain.a*", "plain.>b", "plain.*"]) wire.send(pub(subject, "", null, ""));
  const seen = (await wire.roundTrip()).filter((event) => event.kind === "message");
  assert.deepEqual(
    seen.map((event) => [event.subject, event.sid]),
    [
      ["plain.a*", 2],
      ["plain.>b", 2],
      ["plain.*", 2],
    ],
  );
});

for (const [name, kind, bytes] of [
  ["a payload over max_payload", "frame", Buffer.from("PUB a 100001\r\n")],
  ["a control line over max_control_line", "frame", Buffer.from(`PUB ${"s".repeat(5000)} 0\r\n\r\n`)],
  ["an operation it does not know", "frame", Buffer.from("HELLO\r\n")],
] as const) {
  test(`after ${name} the server sends a fatal error and closes`, async () => {
    await using wire = await open("free");
    await wire.roundTrip();
    wire.send(bytes);
    await wire.closed;
    const text = errorText(wire);
    assert.equal(serverErrorKind(text), kind, text);
    assert.ok(isFatal(text));
  });
}

test("after wrong credentials the server sends a fatal error and closes", async () => {
  await using wire = await open("nobody");
  await wire.closed;
  assert.equal(serverErrorKind(errorText(wire)), "auth");
});

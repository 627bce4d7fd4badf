import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { connect as connectOfficial, type NatsConnection, NoRespondersError, RequestError } from "@nats-io/transport-node";
import { generate } from "selfsigned";
import { fakeScripts } from "../../src/testing/fake-scripts.ts";
import { type FakeServer, type FakeServerOptions, startFakeServer } from "../../src/testing/fake-server.ts";
import { dial, type RawSocket } from "./raw-socket.ts";

/** A fake server that is stopped when the test ends; what its scripts found wrong then fails the test. */
async function fake(context: TestContext, options: FakeServerOptions = {}): Promise<FakeServer> {
  const server = await startFakeServer(options);
  context.after(() => server.stop());
  return server;
}

async function raw(context: TestContext, server: FakeServer): Promise<RawSocket> {
  const socket = await dial(server.port, false);
  context.after(() => void socket.socket.destroy());
  return socket;
}

async function official(context: TestContext, server: FakeServer, options = {}): Promise<NatsConnection> {
  const connection = await connectOfficial({ servers: server.url, reconnect: false, ...options });
  context.after(() => connection.close());
  return connection;
}

test("served, it looks like a small real server to the official client", async (context) => {
  const server = await fake(context, { info: { server_name: "impostor" } });
  const one = await official(context, server);
  const two = await official(context, server);
  assert.equal(one.info?.server_name, "impostor");
  const seen: string[] = [];
  one.subscribe("orders.*", { callback: (_error, message) => void seen.push(`${message.subject} ${message.string()}`) });
  one.subscribe("service", { callback: (_error, message) => void message.respond(`echo ${message.string()}`) });
  await one.flush();
  two.publish("orders.new", "1");
  two.publish("orders.new.deep", "not for us");
  two.publish("orders.old", "2");
  const reply = await two.request("service", "hello", { timeout: 2_000 });
  assert.equal(reply.string(), "echo hello");
  await two.flush();
  await one.flush();
  assert.deepEqual(seen, ["orders.new 1", "orders.old 2"]);
});

test("served, it tells a requester that nobody listens, as a real server does", async (context) => {
  const server = await fake(context);
  const connection = await official(context, server);
  await assert.rejects(
    connection.request("nobody", "", { timeout: 2_000 }),
    (error) => error instanceof RequestError && error.cause instanceof NoRespondersError,
  );
});

test("served, it spreads over a queue group, honours UNSUB with a number, echo and >", async (context) => {
  const server = await fake(context);
  const socket = await raw(context, server);
  await socket.write('CONNECT {"echo":true}\r\nSUB a.> q 1\r\nSUB a.* q 2\r\nSUB a.b 3\r\nUNSUB 3 1\r\n');
  await socket.write("PUB a.b 1\r\nx\r\nPUB a.b 1\r\ny\r\nPUB a 1\r\nz\r\nHPUB a.b r 12 13\r\nNATS/1.0\r\n\r\nw\r\nPING\r\n");
  await socket.untilText("PONG\r\n");
  const messages = socket.text.slice(socket.text.indexOf("\r\n") + 2);
  assert.equal(
    messages,
    "MSG a.b 3 1\r\nx\r\nMSG a.b 1 1\r\nx\r\nMSG a.b 2 1\r\ny\r\nHMSG a.b 1 r 12 13\r\nNATS/1.0\r\n\r\nw\r\nPONG\r\n",
  );
  const silent = await raw(context, server);
  await silent.write('CONNECT {"echo":false}\r\nSUB e 1\r\nPUB e 1\r\nx\r\nPING\r\n');
  await silent.untilText("PONG\r\n");
  assert.doesNotMatch(silent.text, /MSG/);
});

test("served, it answers +OK when verbose and ends the connection for what a real server would", async (context) => {
  const server = await fake(context, { info: { max_payload: 4 } });
  const socket = await raw(context, server);
  await socket.write('CONNECT {"verbose":true}\r\nPUB a 4\r\nabcd\r\nPING\r\nPUB a 5\r\nabcde\r\nPING\r\n');
  assert.equal(await socket.ended, "fin");
  assert.match(socket.text, /\+OK\r\n\+OK\r\nPONG\r\n-ERR 'Maximum Payload Violation'\r\n$/);
  const wrong = await raw(context, server);
  await wrong.write("CONNECT nonsense\r\n");
  assert.equal(await wrong.ended, "fin");
  assert.match(wrong.text, /-ERR 'Parser Error'\r\n$/);
  const unknown = await raw(context, server);
  await unknown.write("FETCH a\r\n");
  assert.equal(await unknown.ended, "fin");
  assert.match(unknown.text, /-ERR 'Unknown Protocol Operation'\r\n$/);
});

test("it records every command with its payload, and what is no protocol as an error", async (context) => {
  const server = await fake(context);
  const arriving = server.nextConnection();
  const socket = await raw(context, server);
  await socket.write('CONNECT {"name":"x"}\r\nHPUB a r 12 15\r\nNATS/1.0\r\n\r\nxyz\r\nPUB b 0\r\n\r\nPING\r\n');
  await socket.untilText("PONG");
  const connection = await arriving;
  assert.deepEqual(
    connection.commands.map(({ verb, args, headers, payload }) => [
      verb,
      args,
      String(headers && Buffer.from(headers)),
      String(payload && Buffer.from(payload)),
    ]),
    [
      ["CONNECT", [], "null", "null"],
      ["HPUB", ["a", "r", "12", "15"], "NATS/1.0\r\n\r\n", "xyz"],
      ["PUB", ["b", "0"], "null", ""],
      ["PING", [], "null", "null"],
    ],
  );
  await socket.write("PUB a 3\r\nab");
  await socket.write("cd\r\nPING\r\n");
  socket.socket.end();
  await connection.closed;
  assert.match(connection.protocolError?.message ?? "", /payload of PUB that does not end in CR LF/);
  assert.equal(connection.commandsSeen, 4);
});

test("a script reads commands one by one and says what it likes", async (context) => {
  const server = await fake(context, {
    script: async (connection) => {
      connection.sendInfo({ nonce: "abc" });
      const options = await connection.expectConnect();
      assert.equal(options.name, "me");
      await connection.expect("PING");
      connection.pong();
      const { args } = await connection.waitFor("SUB");
      connection.message({ sid: args[1] ?? "", subject: "s", reply: "r", payload: "hi" });
      connection.message({ sid: 9, subject: "s", headers: "NATS/1.0 100\r\n\r\n" });
      connection.error("Permissions Violation");
      connection.ping();
      await connection.waitFor(({ verb, args: words }) => verb === "PUB" && words[0] === "wanted");
      connection.send("+OK\r\n");
      connection.end();
    },
  });
  const socket = await raw(context, server);
  await socket.untilText("\r\n");
  assert.match(socket.text, /"nonce":"abc"/);
  await socket.write('CONNECT {"name":"me"}\r\nPING\r\nSUB s 5\r\nPUB other 0\r\n\r\nPUB wanted 0\r\n\r\n');
  assert.equal(await socket.ended, "fin");
  const said = socket.text.slice(socket.text.indexOf("\r\n") + 2);
  assert.equal(
    said,
    "PONG\r\nMSG s 5 r 2\r\nhi\r\nHMSG s 9 16 16\r\nNATS/1.0 100\r\n\r\n\r\n-ERR 'Permissions Violation'\r\nPING\r\n+OK\r\n",
  );
});

test("a script can read by iteration until the client goes", async (context) => {
  const verbs: string[] = [];
  const server = await fake(context, {
    script: async (connection) => {
      for await (const { verb } of connection) verbs.push(verb);
      verbs.push("end");
    },
  });
  const arriving = server.nextConnection();
  const socket = await raw(context, server);
  await socket.write("PING\r\nPONG\r\n");
  socket.socket.end();
  await (await arriving).closed;
  await server.stop();
  assert.deepEqual(verbs, ["PING", "PONG", "end"]);
});

test("serve() in the middle of a script answers what was not read yet, and the script can still read it", async (context) => {
  const read: string[] = [];
  const server = await fake(context, {
    script: async (connection) => {
      connection.sendInfo();
      await connection.expectConnect();
      await connection.waitFor("SUB");
      await connection.serve();
      read.push((await connection.waitFor("PUB")).args[0] ?? "");
      connection.ignore();
      connection.send("ignoring\r\n");
    },
  });
  const socket = await raw(context, server);
  await socket.write("CONNECT {}\r\nSUB a 1\r\nPING\r\n");
  await socket.untilText("PONG");
  await socket.write("PUB b 0\r\n\r\n");
  await socket.untilText("ignoring");
  await socket.write("PING\r\n");
  assert.deepEqual(read, ["b"]);
  assert.equal(socket.text.match(/PONG/g)?.length, 1);
});

test("PONGs can be held back and released one by one", async (context) => {
  const server = await fake(context);
  const arriving = server.nextConnection();
  const socket = await raw(context, server);
  const connection = await arriving;
  await connection.serve();
  connection.holdPongs();
  await socket.write("PING\r\nPING\r\nPING\r\nSUB a 1\r\n");
  await connection.waitFor("SUB");
  assert.equal(connection.heldPongs, 3);
  assert.doesNotMatch(socket.text, /PONG/);
  connection.releasePongs(1);
  await socket.untilText("PONG\r\n");
  assert.equal(connection.heldPongs, 2);
  await socket.write("PING\r\nSUB b 2\r\n");
  await connection.waitFor("SUB");
  connection.releasePongs();
  await socket.untilText("PONG\r\nPONG\r\nPONG\r\nPONG\r\n");
  await socket.write("PING\r\n");
  await socket.untilText("PONG\r\n".repeat(5));
});

test("pause() closes the client's window, resume() reads on", async (context) => {
  const server = await fake(context);
  const arriving = server.nextConnection();
  const socket = await raw(context, server);
  const connection = await arriving;
  await connection.serve();
  connection.pause();
  const size = 900_000;
  const burst = `PUB a ${size}\r\n${"x".repeat(size)}\r\n`.repeat(30);
  const written = socket.write(`${burst}PING\r\n`);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(socket.socket.writableLength > 0);
  connection.resume();
  await written;
  await socket.untilText("PONG");
  assert.equal(connection.commandsSeen, 31);
});

test("an expectation that fails is reported by stop(), with what the client sent", async () => {
  const server = await startFakeServer({
    timeoutMs: 100,
    script: async (connection) => void (await connection.expect("CONNECT")),
  });
  const other = await dial(server.port);
  await other.write("PUB a 0\r\n\r\n");
  const gone = await dial(server.port);
  gone.socket.destroy();
  const late = await dial(server.port);
  while (server.failures.length < 3) await new Promise((resolve) => setTimeout(resolve, 10));
  const said = server.failures.map(({ message }) => message).join("\n");
  assert.match(said, /expected CONNECT, but the client sent "PUB a 0"/);
  assert.match(said, /CONNECT did not come: the c.* (closed|ended).*; the client's last commands: none/);
  assert.match(said, /CONNECT did not come: 100 ms passed/);
  await assert.rejects(server.stop(), (error) => error instanceof AggregateError && error.errors.length === 3);
  other.socket.destroy();
  late.socket.destroy();
  await server.stop();
});

test("scripts that wait when the server is stopped have done nothing wrong", async () => {
  const server = await startFakeServer({ script: async (connection) => void (await connection.expect("CONNECT")) });
  const arriving = server.nextConnection();
  const socket = await dial(server.port);
  await arriving;
  const waiting = assert.rejects(server.nextConnection(), /the fake server was stopped/);
  await server.stop();
  await waiting;
  await socket.ended;
  await assert.rejects(dial(server.port), { code: "ECONNREFUSED" });
});

test("what is beyond recordBytes is counted and answered, but a script that wants to read it is told", async (context) => {
  const server = await fake(context, { recordBytes: 100 });
  const arriving = server.nextConnection();
  const socket = await raw(context, server);
  await socket.write(`${"PUB a 40\r\n".concat("x".repeat(40), "\r\n").repeat(3)}PING\r\n`);
  await socket.untilText("PONG");
  const connection = await arriving;
  assert.deepEqual([connection.commands.length, connection.commandsSeen], [1, 4]);
  await connection.next();
  await assert.rejects(connection.next(), /more than 100 bytes of commands came; raise the option recordBytes/);
});

test("refuse() closes the port and accept() opens the same one again; info and script can change between", async (context) => {
  const server = await fake(context);
  const { port } = server;
  server.refuse();
  await assert.rejects(dial(port), { code: "ECONNREFUSED" });
  server.info = { version: "2.9.0" };
  server.script = (connection) => connection.sendInfo({ jetstream: undefined });
  await server.accept();
  const socket = await raw(context, server);
  await socket.untilText("\r\n");
  assert.match(socket.text, /"version":"2.9.0"/);
});

for (const tlsFirst of [false, true]) {
  test(`with tls it upgrades ${tlsFirst ? "before" : "after"} INFO, and reset() resets below it`, async (context) => {
    const { private: key, cert } = await generate([{ name: "commonName", value: "localhost" }], { keyType: "ec" });
    const server = await fake(context, { tls: { key, cert }, tlsFirst });
    const connection = await official(context, server, { tls: { ca: cert, handshakeFirst: tlsFirst } });
    await connection.flush();
    server.connections[0]?.reset();
    assert.ok((await connection.closed()) instanceof Error);
  });
}

for (const kind of ["rst", "fin"] as const) {
  test(`cutAfter() reads exactly so many bytes and ends the connection by ${kind}`, async (context) => {
    const server = await fake(context);
    const opened = server.nextConnection();
    const socket = await raw(context, server);
    const connection = await opened;
    await socket.write("CONNECT {}\r\n");
    await connection.waitFor("CONNECT");
    assert.equal(connection.bytesRead, 12);
    connection.cutAfter(12 + 14 + 4, kind);
    await socket.write("PUB a 3\r\nxyz\r\nPUB b 3\r\nxyz\r\nPING\r\n");
    assert.equal(await socket.ended, kind);
    await connection.closed;
    assert.deepEqual(
      connection.commands.map(({ verb }) => verb),
      ["CONNECT", "PUB"],
    );
    assert.deepEqual([connection.bytesRead, connection.unfinishedBytes, connection.protocolError], [30, 4, null]);
  });
}

test("cutAfter() answers what stands before the cut", async (context) => {
  const server = await fake(context);
  const opened = server.nextConnection();
  const socket = await raw(context, server);
  const connection = await opened;
  connection.cutAfter(12 + 6, "fin");
  await socket.write("CONNECT {}\r\nPING\r\nPING\r\n");
  await socket.ended;
  assert.equal(socket.text.match(/PONG/g)?.length, 1);
});

test("cutAfter() of bytes that were read already cuts at once; of what is no number of bytes it throws", async (context) => {
  const server = await fake(context);
  const opened = server.nextConnection();
  const socket = await raw(context, server);
  const connection = await opened;
  await socket.write("CONNECT {}\r\nPING\r\n");
  await socket.untilText("PONG\r\n");
  for (const wrong of [-1, 1.5, Number.NaN]) assert.throws(() => connection.cutAfter(wrong), RangeError);
  connection.cutAfter(3);
  assert.equal(await socket.ended, "rst");
  await connection.closed;
  assert.equal(connection.bytesRead, 18);
});

test("refuseWhen(): what no INFO announces ends the connection, with an -ERR or without, and nothing behind it is answered", async (context) => {
  const texts = ["Maximum Payload Violation", null];
  const server = await fake(context, {
    script: (connection) => {
      const text = texts.shift();
      connection.refuseWhen(({ args }) => (args[0] === "bad" ? text : undefined));
      return connection.serve();
    },
  });
  const says = "CONNECT {}\r\nPUB good 1\r\nx\r\nPING\r\n";
  const outcomes: [string, RegExp][] = [
    ["fin", /PONG\r\n-ERR 'Maximum Payload Violation'\r\n$/],
    ["rst", /PONG\r\n$/],
  ];
  for (const [end, expected] of outcomes) {
    const socket = await raw(context, server);
    await socket.write(says);
    await socket.untilText("PONG\r\n");
    await socket.write("PUB bad 1\r\nx\r\nPING\r\n");
    assert.equal(await socket.ended, end);
    assert.match(socket.text, expected);
  }
});

test("a limit in a later INFO is in force from then on", async (context) => {
  const server = await fake(context, {
    script: async (connection) => {
      connection.sendInfo();
      await connection.expectConnect();
      await connection.expect("PING");
      connection.pong();
      connection.sendInfo({ max_payload: 4 });
      await connection.serve();
    },
  });
  const socket = await raw(context, server);
  await socket.write("CONNECT {}\r\nPING\r\n");
  await socket.untilText('"max_payload":4');
  await socket.write("PUB a 4\r\nabcd\r\nPING\r\nPUB a 5\r\nabcde\r\n");
  assert.equal(await socket.ended, "fin");
  assert.match(socket.text, /}\r\nPONG\r\n-ERR 'Maximum Payload Violation'\r\n$/);
});

test("a client that refuses the certificate is no failure of the script", async (context) => {
  const { private: key, cert } = await generate([{ name: "commonName", value: "localhost" }], { keyType: "ec" });
  const server = await fake(context, { tls: { key, cert }, tlsFirst: true });
  const client = connectTls({ host: "127.0.0.1", port: server.port });
  await new Promise((resolve) => client.once("error", resolve));
  await server.stop();
});

test("the ready scripts misbehave as they say", async (context) => {
  const server = await fake(context);
  const outcome = async (
    script: (typeof fakeScripts)["neverSendsInfo"],
    says: string,
    done: RegExp | "end",
    least = 0,
  ): Promise<RawSocket> => {
    server.script = script;
    const socket = await raw(context, server);
    if (says !== "") await socket.write(says);
    if (done === "end") await socket.ended;
    else await socket.until(() => socket.length >= least && done.test(socket.text));
    return socket;
  };
  assert.equal((await outcome(fakeScripts.neverSendsInfo, "PING\r\n", /^/)).text, "");
  assert.match((await outcome(fakeScripts.closesAfterInfo, "", "end")).text, /^INFO .*\r\n$/);
  assert.notEqual(await (await outcome(fakeScripts.resetsAfterInfo, "PING\r\n", "end")).ended, "local");
  assert.match((await outcome(fakeScripts.speaksGarbage, "", /HTTP/)).text, /^\0\xff/);
  const huge = await outcome(fakeScripts.sendsHugeInfo(), "PING\r\n", /PONG/, 10 * 1024 * 1024);
  assert.ok(huge.length > 10 * 1024 * 1024);
  const half = await outcome(fakeScripts.sendsHalfAMessage, "CONNECT {}\r\nPING\r\nSUB s 3\r\nPING\r\n", /announ$/);
  assert.match(half.text, /PONG\r\nPONG\r\nMSG s 3 100\r\nonly half of what was announ$/);
  await half.write("PING\r\n");
  const halfway = server.connections.at(-1);
  assert.ok(halfway);
  while (halfway.commandsSeen < 5) await new Promise((resolve) => setTimeout(resolve, 5));
  halfway.send("!");
  await half.until(() => /announ!$/.test(half.text));
  await outcome(fakeScripts.sendsUnknownSid, "CONNECT {}\r\nPING\r\n", /MSG nobody.asked 987654 8\r\nsurprise\r\n$/);
  const swallowed = await outcome(fakeScripts.swallowsAfterHandshake, "CONNECT {}\r\nPING\r\nPING\r\n", /PONG/);
  assert.equal(swallowed.text.match(/PONG/g)?.length, 1);
  assert.match(
    (await outcome(fakeScripts.refuses("Authorization Violation"), "CONNECT {}\r\n", "end")).text,
    /-ERR 'Authorization Violation'\r\n$/,
  );
});

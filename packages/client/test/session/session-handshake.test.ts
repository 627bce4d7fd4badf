import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionError } from "@nats-io/nats-core";
import { explain, rejection, usualInfo, World } from "./harness.ts";

test("an INFO behind the first PONG counts before the connection is handed on", async () => {
  const world = new World();
  world.script = (peer) => {
    peer.info({ max_payload: 1024 });
    let pings = 0;
    peer.answer((frame) => {
      if (frame.verb !== "PING") return;
      peer.send("PONG\r\n");
      if (++pings === 1) peer.info({ max_payload: 64 });
    });
  };
  let atAttach = 0;
  world.host.onAttach = () => {
    atAttach = world.session.info?.max_payload ?? 0;
  };
  await world.connect();
  assert.equal(atAttach, 64);
  assert.deepEqual(
    world.host.infos.map((info) => info.max_payload),
    [1024, 64],
  );
});

test("messages between the two PONGs reach the host, messages before the first do not", async () => {
  const world = new World();
  world.host.subscriptions = "SUB a 1\r\n";
  world.script = (peer) => {
    peer.info();
    let pings = 0;
    peer.answer((frame) => {
      if (frame.verb !== "PING") return;
      peer.send(++pings === 1 ? "MSG early 1 0\r\n\r\nPONG\r\n" : "MSG a 1 2\r\nhi\r\nPONG\r\nMSG b 1 2\r\nho\r\n");
    });
  };
  await world.connect();
  assert.deepEqual(world.host.log.slice(1), ["info", "message a", "attach", "message b"]);
});

test("a PING of the server is answered at any time", async () => {
  const world = new World();
  world.script = (peer) => {
    peer.info();
    peer.answer((frame) => frame.verb === "PING" && peer.send("PING\r\nPONG\r\nPING\r\n"));
  };
  await world.connect();
  world.peer.send("PING\r\n");
  await world.pass();
  assert.equal(world.peer.verbs.filter((verb) => verb === "PONG").length, 5);
});

test("with a server that answers each command (verbose) the handshake is the same", async () => {
  const world = new World({ verbose: true });
  world.host.subscriptions = "SUB a 1\r\n";
  world.script = (peer) => {
    peer.info();
    peer.answer((frame) => peer.send(frame.verb === "PING" ? "PONG\r\n" : "+OK\r\n"));
  };
  await world.connect();
  assert.equal(world.peer.connect.verbose, true);
});

test("a refused subscription is told before the connection is handed on, and does not end it", async () => {
  const world = new World();
  world.host.subscriptions = "SUB secret 1\r\n";
  const text = 'Permissions Violation for Subscription to "secret"';
  world.script = (peer) => {
    peer.info();
    peer.answer((frame) => {
      if (frame.verb === "PING") peer.send("PONG\r\n");
      if (frame.verb === "SUB") peer.send(`-ERR '${text}'\r\n`);
    });
  };
  await world.connect();
  assert.deepEqual(world.host.log.slice(1), ["info", "status error", `error ${text}`, "attach"]);
});

test("subscriptions of any size are written, in pieces that the link takes", async () => {
  const world = new World({}, { capacity: 50, chunkBytes: 64 });
  const subjects = Array.from({ length: 500 }, (_, i) => `subject.number.${i}`);
  world.host.subscriptions = subjects.map((subject, i) => `SUB ${subject} ${i + 1}\r\n`).join("");
  await world.connect();
  assert.deepEqual(
    world.peer.received.filter((line) => line.startsWith("SUB ")),
    subjects.map((subject, i) => `SUB ${subject} ${i + 1}`),
  );
});

test("the link is handed on only when nothing is outstanding on it", async () => {
  const world = new World({}, { capacity: 20 });
  world.script = (peer) => {
    // Answers what it has not read yet: the kernel still holds a part of CONNECT.
    peer.raw.receive(null);
    peer.info();
    peer.send("PONG\r\nPONG\r\n");
  };
  const connecting = world.session.connect();
  await world.pass(100);
  assert.equal(world.session.connected, false);
  world.host.onAttach = (link) => assert.equal(link.write(Buffer.from("PING\r\n")), true);
  while (world.peer.raw.waiting > 0) {
    world.peer.raw.read();
    await world.pass();
  }
  await connecting;
  assert.equal(world.session.connected, true);
});

test("a server that floods PINGs and does not read is answered once, not queued for", async () => {
  const world = new World({ timeout: 1000 }, { capacity: 10 });
  world.script = (peer) => {
    peer.raw.receive(null);
    peer.info();
    peer.send("PING\r\n".repeat(10_000));
  };
  const connecting = rejection(world.session.connect());
  await world.pass(500);
  let read = "";
  while (world.peer.raw.waiting > 0) {
    read += Buffer.from(world.peer.raw.read()).toString();
    await world.pass();
  }
  assert.match(read, /^CONNECT [^\r]*\r\nPING\r\nPONG\r\n$/);
  const closing = world.session.close();
  await world.pass();
  await closing;
  await connecting;
});

test("TLS is begun where the server offers it, before CONNECT", async () => {
  const world = new World({ tls: { ca: "PEM" } });
  world.script = (peer) => {
    peer.serve({ tls_required: true });
    peer.answer((frame) => {
      assert.equal(peer.raw.encrypted, true, `${frame.verb} in the clear`);
      if (frame.verb === "PING") peer.send("PONG\r\n");
    });
  };
  await world.connect();
  assert.equal(world.peer.connect.tls_required, true);
});

test("with handshakeFirst the dial is under TLS from the first byte and not upgraded again", async () => {
  const world = new World({ tls: { handshakeFirst: true } });
  world.script = (peer) => {
    assert.equal(peer.raw.encrypted, true);
    peer.serve({ tls_required: true });
  };
  await world.connect();
  assert.equal(world.session.connected, true);
});

test("what came in the clear behind the INFO does not count as said under TLS", async () => {
  const world = new World({ servers: "a" });
  world.script = (peer) => {
    const info = JSON.stringify({ ...usualInfo, tls_required: true });
    peer.send(`INFO ${info}\r\n-ERR 'Authorization Violation'\r\nPONG\r\nPONG\r\nMSG a 1`);
    peer.answer((frame) => frame.verb === "PING" && peer.send("PONG\r\n"));
  };
  await world.connect();
  assert.deepEqual(world.host.errors, []);
  assert.deepEqual(world.peer.verbs, ["CONNECT", "PING", "PING"]);
});

for (const [what, tls, offer, expected] of [
  ["TLS wanted from a server without it", {}, {}, "server does not support 'tls'"],
  [
    "TLS never wanted from a server that requires it",
    null,
    { tls_required: true },
    "server requires 'tls', and the option 'tls' is null (never use TLS)",
  ],
] as const) {
  test(`${what}: connect() rejects, and no CONNECT is sent`, async () => {
    const world = new World({ servers: "a", tls }, { script: (peer) => peer.serve(offer) });
    const connecting = rejection(world.session.connect());
    await world.pass();
    const error = await connecting;
    assert.ok(error instanceof ConnectionError);
    assert.equal(error.message, expected);
    assert.deepEqual(world.host.errors, [explain(error)]);
    assert.deepEqual(world.peer.received, []);
    world.assertNothingLeft();
  });
}

test("a certificate that is not accepted is told, and the next server is tried", async () => {
  const world = new World(
    {},
    { secured: () => new Error("self-signed certificate"), script: (peer) => peer.serve({ tls_available: true }) },
  );
  world.answer = ({ hostname }) => {
    if (hostname === "b") world.script = (peer) => peer.serve();
    return { kind: "accept" };
  };
  await world.connect();
  assert.equal(world.dials.at(-1), "0 b:4222");
  assert.equal(world.host.errors.length, 1);
  assert.match(world.host.errors[0] ?? "", /self-signed certificate/);
});

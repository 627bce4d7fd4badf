import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { freePort, listen, listenOnFreePort } from "../../src/testing/ports.ts";
import { findNatsServer, serverVersionAtLeast } from "../../src/testing/server-binary.ts";
import { renderServerConfig } from "../../src/testing/server-config.ts";
import { ServerLog } from "../../src/testing/server-log.ts";

const GET_PORT = `
  const { freePort } = await import(${JSON.stringify(new URL("../../src/testing/ports.ts", import.meta.url).href)});
  process.stdout.write(String(await freePort()));
`;

test("versions compare by number, and a pre-release is older than its release", () => {
  assert.equal(serverVersionAtLeast("2.10.0", "2.10.0"), true);
  assert.equal(serverVersionAtLeast("2.9.25", "2.10.0"), false);
  assert.equal(serverVersionAtLeast("2.15.2", "2.9.30"), true);
  assert.equal(serverVersionAtLeast("3.0.0", "2.99.99"), true);
  assert.equal(serverVersionAtLeast("v2.10.1", "2.10.0"), true);
  assert.equal(serverVersionAtLeast("2.11.0-RC.1", "2.11.0"), false);
  assert.equal(serverVersionAtLeast("2.11.0-RC.1", "2.10.9"), true);
  assert.equal(serverVersionAtLeast("2.11.0", "2.11.0-RC.1"), true);
  assert.throws(() => serverVersionAtLeast("latest", "2.10.0"), /"latest" is not a server version: expected major.minor.patch/);
  assert.throws(() => serverVersionAtLeast("2.10.0", "2.10"), TypeError);
});

test("the server is found by option, then NATS_SERVER, then PATH, and a wrong one is named", (context) => {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-test-path-"));
  const before = { server: process.env.NATS_SERVER, path: process.env.PATH };
  context.after(() => {
    rmSync(directory, { recursive: true });
    if (before.server === undefined) delete process.env.NATS_SERVER;
    else process.env.NATS_SERVER = before.server;
    process.env.PATH = before.path;
  });
  const program = join(directory, process.platform === "win32" ? "nats-server.exe" : "nats-server");
  writeFileSync(program, "");
  chmodSync(program, 0o755);
  process.env.NATS_SERVER = process.execPath;
  assert.equal(findNatsServer(program), program);
  assert.equal(findNatsServer(), process.execPath);
  process.env.NATS_SERVER = join(directory, "missing");
  assert.throws(() => findNatsServer(), /the environment variable NATS_SERVER names ".*missing", which is not a program/);
  delete process.env.NATS_SERVER;
  process.env.PATH = directory;
  assert.equal(findNatsServer(), program);
  process.env.PATH = "";
  assert.throws(() => findNatsServer(), /NATS_SERVER is not set, and there is no nats-server on PATH\. Install one/);
});

test("a configuration is rendered one key a line, and what the format cannot say is refused with its path", () => {
  assert.equal(
    renderServerConfig({ port: 4222, name: 'a "b"\n\\', tls: { verify: true, rates: [1, 0.5, 1e-7] }, empty: {} }),
    '"port": 4222\n"name": "a \\"b\\"\\n\\\\"\n"tls": { "verify": true, "rates": [1, 0.5, 0.00000010000000000000] }\n"empty": {  }\n',
  );
  assert.equal(renderServerConfig("port: 1"), "port: 1");
  assert.throws(() => renderServerConfig({ a: { b: [1, Number.NaN] } }), /no way to write null at "a.b\[1\]"/);
  assert.throws(() => renderServerConfig({ a: "\u0001" }), /at "a"/);
  assert.throws(() => renderServerConfig({ a: 1e300 }), /at "a"/);
});

test("the log keeps whole lines of several streams, the newest ones, however the text is cut", async () => {
  const heard: string[] = [];
  const log = new ServerLog(50, (line) => heard.push(line));
  const [one, two] = [log.source(), log.source()];
  const waiting = log.waitFor(/second/);
  one("fir");
  two("other\n");
  one("st\r\nsec");
  one("ond\n");
  assert.equal(await waiting, "second");
  assert.deepEqual(heard, ["other", "first", "second"]);
  for (let line = 0; line < 100; line++) one(`line ${line}\n`);
  assert.ok(log.text().length <= 50);
  assert.match(log.text(), /line 99$/);
  assert.equal(heard.length, 103);
});

test("a line that never ends is cut instead of kept growing", () => {
  const heard: number[] = [];
  const log = new ServerLog(1_000, (line) => heard.push(line.length));
  const source = log.source();
  for (let part = 0; part < 20; part++) source("x".repeat(10_000));
  assert.deepEqual(heard, [70_000, 70_000]);
});

test("a process goes round ports of its own: what is down for a while finds its port free again", async () => {
  const ports: number[] = [];
  for (let i = 0; i < 100; i++) ports.push(await freePort());
  assert.equal(new Set(ports).size, 100);
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...process.execArgv,
    "--input-type=module",
    "--eval",
    GET_PORT,
  ]);
  const other = Number(stdout);
  assert.ok(other >= 10_000 && Math.min(...ports.map((port) => Math.abs(port - other))) > 0, `${other} is one of ours`);
  assert.ok(Math.max(...ports) - Math.min(...ports) < 128);
});

test("free ports are outside the kernel's own range and can be listened on", async (context) => {
  const port = await freePort();
  assert.ok(port >= 10_000 && port <= 65_535);
  const server = createServer();
  context.after(() => void server.close());
  await listen(server, "127.0.0.1", port);
  const other = createServer();
  await assert.rejects(listen(other, "127.0.0.1", port), { code: "EADDRINUSE" });
  assert.equal(other.listenerCount("error"), 0);
  const found = await listenOnFreePort(other, "127.0.0.1");
  assert.notEqual(found, port);
  other.close();
  await assert.rejects(freePort("192.0.2.1"), /no free port found on 192.0.2.1 in 30 attempts/);
});

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { type NatsServerBinary, obtainNatsServer } from "../scripts/nats-server.ts";
import { root } from "../scripts/shared/node.ts";

// Every program here is a shell script of ours, found on a PATH of ours: nothing is downloaded, and the user's cache is not touched.
const skip = process.platform === "win32" && "the programs in this test are shell scripts";
const PLATFORM = `${process.platform}-${process.arch}`;
const PINNED = "2.15.2";

let place = "";
let said: string[] = [];

beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-server-")));
  mkdirSync(join(place, "bin"));
  said = [];
});

afterEach(() => rmSync(place, { recursive: true, force: true }));

function obtain(env: NodeJS.ProcessEnv = {}): Promise<NatsServerBinary> {
  return obtainNatsServer({ env: environment(env), say: (line) => said.push(line) });
}

function environment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { PATH: join(place, "bin"), XDG_CACHE_HOME: join(place, "cache"), ...env };
}

/** Puts an executable shell script at `path` below the test's folder; returns its absolute path. */
function program(path: string, script: string): string {
  const file = join(place, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

function server(path: string, version: string): string {
  return program(path, `echo "nats-server: v${version}"`);
}

function cached(version: string): string {
  return `cache/holdfast/nats-server/${version}-${PLATFORM}/nats-server`;
}

/** A `go` that tells `version`, notes how it was called, and "builds" a server of version `built`. */
function fakeGo(version: string, built: string): void {
  program(
    "bin/go",
    `if [ "$1" = version ]; then echo "go version go${version} linux/amd64"; exit; fi
{ echo "args=$*"; echo "GOBIN=$GOBIN"; echo "GOFLAGS=[$GOFLAGS]"; echo "GOOS=[$GOOS]"; echo "CGO_ENABLED=$CGO_ENABLED"; } > ${place}/go-call
printf '#!/bin/sh\\necho "nats-server: v${built}"\\n' > "$GOBIN/nats-server"
/bin/chmod +x "$GOBIN/nats-server"`,
  );
}

/** An `apt-get` that finds the package only with lists of its own when `lists` is false, and a `dpkg` that unpacks it. */
function fakeDebian(version: string, lists: boolean): void {
  program(
    "bin/apt-get",
    `echo "$*" >> ${place}/apt-calls
case "$*" in
  *Dir::State::lists=*update) : > ${place}/updated ;;
  *download*) if ${lists} || [ -e ${place}/updated ]; then : > nats-server_${version}_amd64.deb; else echo "E: no lists" >&2; exit 100; fi ;;
esac`,
  );
  program(
    "bin/dpkg",
    `/bin/mkdir -p "$3/usr/sbin"; printf '#!/bin/sh\\necho "nats-server: v${version}"\\n' > "$3/usr/sbin/nats-server"; /bin/chmod +x "$3/usr/sbin/nats-server"`,
  );
}

/** What lies in the cache; nothing half-done may be left behind. */
function cacheFolders(): string[] {
  const folder = join(place, "cache/holdfast/nats-server");
  return existsSync(folder) ? readdirSync(folder) : [];
}

test("NATS_SERVER comes first, whatever its version", { skip }, async () => {
  const path = server("mine/nats-server", "2.9.1");
  server(cached(PINNED), PINNED);
  assert.deepEqual(await obtain({ NATS_SERVER: path }), { path, version: "2.9.1", source: "environment" });
  assert.deepEqual(said, [`nats-server 2.9.1 from NATS_SERVER: ${path}`]);
});

test("NATS_SERVER may be the name of a program on PATH", { skip }, async () => {
  const path = server("bin/my-nats", "2.11.0");
  assert.deepEqual(await obtain({ NATS_SERVER: "my-nats" }), { path, version: "2.11.0", source: "environment" });
});

test("a NATS_SERVER that is not there, or is no nats-server, is an error and not passed over", { skip }, async () => {
  server(cached(PINNED), PINNED);
  await assert.rejects(
    obtain({ NATS_SERVER: "/nowhere/nats-server" }),
    /NATS_SERVER is \/nowhere\/nats-server: there is no such program/,
  );
  const other = program("bin/other", "echo other 1.2.3");
  await assert.rejects(obtain({ NATS_SERVER: other }), /is no nats-server: --version said "other 1\.2\.3\\n"/);
  const broken = program("bin/broken", "echo no such library >&2; exit 127");
  await assert.rejects(obtain({ NATS_SERVER: broken }), /does not run: failed \(127\): no such library/);
});

test("the pinned release in the cache comes before PATH", { skip }, async () => {
  const path = server(cached(PINNED), PINNED);
  server("bin/nats-server", "2.99.0");
  assert.deepEqual(await obtain(), { path, version: PINNED, source: "cache" });
});

test("a cached server that does not run, or is another version, is told and passed over", { skip }, async () => {
  const path = server("bin/nats-server", "2.12.0");
  program(cached(PINNED), "exit 1");
  assert.equal((await obtain()).path, path);
  assert.match(said[0] ?? "", /^The cached server is of no use: .* does not run/);
  server(cached(PINNED), "2.1.0");
  assert.equal((await obtain()).path, path);
});

test("a server on PATH is taken from 2.10 on", { skip }, async () => {
  fakeGo("1.26.0", PINNED);
  const path = server("bin/nats-server", "2.10.0");
  assert.deepEqual(await obtain(), { path, version: "2.10.0", source: "path" });
  server("bin/nats-server", "2.9.99");
  assert.equal((await obtain()).source, "go");
});

test("Go 1.26 builds the pinned release into the cache, unharmed by settings meant for other work", { skip }, async () => {
  fakeGo("1.26.8", PINNED);
  const path = join(place, cached(PINNED));
  assert.deepEqual(await obtain({ GOFLAGS: "-mod=vendor", GOOS: "windows" }), { path, version: PINNED, source: "go" });
  const call = readFileSync(join(place, "go-call"), "utf8");
  assert.match(call, /^args=install -trimpath -ldflags -s -w github\.com\/nats-io\/nats-server\/v2@v2\.15\.2$/m);
  assert.match(call, /^GOBIN=\/.*\/holdfast\/nats-server\/\.work-\w+$/m);
  assert.match(call, /^GOFLAGS=\[\]\nGOOS=\[\]\nCGO_ENABLED=0$/m);
  assert.match(said[0] ?? "", /^Building nats-server 2\.15\.2 with Go 1\.26\.8\. This takes a minute or two/);
  assert.deepEqual(cacheFolders(), [`${PINNED}-${PLATFORM}`]);
  assert.deepEqual(await obtain(), { path, version: PINNED, source: "cache" }, "the second run finds it in the cache");
});

test("two runs that build at the same time both end with a whole server", { skip }, async () => {
  fakeGo("1.27.0", PINNED);
  const both = await Promise.all([obtain(), obtain()]);
  assert.deepEqual(
    both.map((one) => one.path),
    [join(place, cached(PINNED)), join(place, cached(PINNED))],
  );
  assert.deepEqual(cacheFolders(), [`${PINNED}-${PLATFORM}`]);
});

test("an older Go, and a build that fails, lead on to Debian's package", { skip }, async () => {
  fakeDebian("2.9.10", true);
  fakeGo("1.25.9", PINNED);
  assert.equal((await obtain()).source, "debian");
  rmSync(join(place, "cache"), { recursive: true });
  program("bin/go", '[ "$1" = version ] && echo "go version go1.26.0 linux/amd64" || { echo "dial tcp: no route" >&2; exit 1; }');
  assert.equal((await obtain()).source, "debian");
  assert.deepEqual(cacheFolders(), [`2.9.10-${PLATFORM}`]);
});

test("a server on PATH that is too old to come first still spares the download", { skip }, async () => {
  fakeDebian("2.9.10", true);
  const path = server("bin/nats-server", "2.9.10");
  assert.deepEqual(await obtain(), { path, version: "2.9.10", source: "path" });
  server("bin/nats-server", "2.2.0");
  assert.equal((await obtain()).source, "debian");
});

test("Debian's package is unpacked into a cache folder of its own version, and found there the next time", { skip }, async () => {
  fakeDebian("2.9.10", true);
  const path = join(place, cached("2.9.10"));
  assert.deepEqual(await obtain(), { path, version: "2.9.10", source: "debian" });
  rmSync(join(place, "bin/apt-get"));
  assert.deepEqual(await obtain(), { path, version: "2.9.10", source: "cache" });
});

test("without package lists apt makes its own", { skip }, async () => {
  fakeDebian("2.9.10", false);
  assert.equal((await obtain()).source, "debian");
  const calls = readFileSync(join(place, "apt-calls"), "utf8").trim().split("\n");
  assert.equal(calls.length, 3);
  assert.match(calls[2] ?? "", /Dir::State::lists=.*Dir::Cache::archives=.*Debug::NoLocking=1 download nats-server$/);
});

test("of several old servers in the cache the newest that runs is taken", { skip }, async () => {
  server(cached("2.10.0"), "2.10.0");
  server(cached("2.9.10"), "2.9.10");
  const path = server(cached("2.14.0"), "2.14.0");
  program(cached("2.16.0"), "exit 1");
  server(cached("2.1.0"), "2.1.0");
  assert.deepEqual(await obtain(), { path, version: "2.14.0", source: "cache" });
});

test("with no way to get a server the error says what was tried and what to install where", { skip }, async () => {
  const error = await obtain().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Error);
  for (const part of ["NATS_SERVER is not set", cached(PINNED), "no nats-server on PATH", "no Go on PATH", "no apt-get"]) {
    assert.ok(error.message.includes(part), `${part} is not in:\n${error.message}`);
  }
  for (const part of ["go.dev/dl", "apt-get install nats-server", "brew install", "scoop install", "docker"]) {
    assert.ok(error.message.includes(part), `${part} is not in:\n${error.message}`);
  }
});

test("a cache that cannot be written is a reason among the others", { skip }, async () => {
  fakeGo("1.26.0", PINNED);
  writeFileSync(join(place, "file"), "");
  await assert.rejects(obtain({ XDG_CACHE_HOME: join(place, "file") }), /- ENOTDIR: not a directory, mkdir/);
});

test("CI takes the pinned release from the cache, from Go, from PATH or as NATS_SERVER", { skip }, async () => {
  const CI = "true";
  const mine = server("mine/nats-server", PINNED);
  assert.equal((await obtain({ CI, NATS_SERVER: mine })).source, "environment");
  server("bin/nats-server", PINNED);
  assert.equal((await obtain({ CI })).source, "path");
  server("bin/nats-server", "2.16.0");
  fakeGo("1.26.0", PINNED);
  assert.equal((await obtain({ CI })).source, "go");
  assert.equal((await obtain({ CI })).source, "cache");
});

test("CI fails with any other server", { skip }, async () => {
  const CI = "true";
  const old = server("mine/nats-server", "2.12.0");
  await assert.rejects(obtain({ CI, NATS_SERVER: old }), /^Error: CI wants nats-server 2\.15\.2, NATS_SERVER is 2\.12\.0\./);
  server("bin/nats-server", "2.16.0");
  server(cached("2.14.0"), "2.14.0");
  fakeDebian("2.9.10", true);
  await assert.rejects(obtain({ CI }), /^Error: CI wants nats-server 2\.15\.2 and found no way to get it/);
  assert.ok(!existsSync(join(place, "apt-calls")), "nothing is fetched that CI would not take");
});

test("CI takes another server with HOLDFAST_ANY_NATS_SERVER=1, and CI=false is no CI", { skip }, async () => {
  const path = server("bin/nats-server", "2.16.0");
  assert.equal((await obtain({ CI: "true", HOLDFAST_ANY_NATS_SERVER: "1" })).path, path);
  assert.equal((await obtain({ CI: "false" })).path, path);
});

test("run directly it prints the path alone on standard output", { skip }, () => {
  const path = server(cached(PINNED), PINNED);
  const command = ["--import", "tsx", "scripts/nats-server.ts"];
  const ran = spawnSync(process.execPath, command, { cwd: root, env: environment({}), encoding: "utf8" });
  assert.deepEqual([ran.status, ran.stdout], [0, `${path}\n`]);
  assert.match(ran.stderr, /^nats-server 2\.15\.2 from the cache: /);
});

test("run directly without a server it fails with the advice and no stack", { skip }, () => {
  const command = ["--import", "tsx", "scripts/nats-server.ts"];
  const ran = spawnSync(process.execPath, command, { cwd: root, env: environment({}), encoding: "utf8" });
  assert.deepEqual([ran.status, ran.stdout], [1, ""]);
  assert.match(ran.stderr, /brew install nats-server/);
  assert.doesNotMatch(ran.stderr, /\n\s+at /);
});

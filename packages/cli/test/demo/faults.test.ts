import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deliveries, faultKinds } from "../../src/demo/options.ts";
import { noServer, startCli } from "../cli.ts";
import { parseRun, short, shortTotal } from "./runs.ts";

const skip = noServer();
/** Twice as many: after a flap the official client, which keeps nothing, has to send 200 kB in the tail. */
const options: readonly string[] = [...short, "--rate", "4000"];
const total = 2 * shortTotal;
/** Twice the smallest window. After a flap the window has begun to grow for the backlog. */
const mostInDoubt = 128 * 1024;
const mostInDoubtAfterFlap = 512 * 1024;

// Two at a time: a run mostly waits.
describe("a fault", { concurrency: 2 }, () => {
  for (const [at, fault] of faultKinds.entries()) {
    // One level each, in turn: what a level promises is tested in the library, for every fault.
    for (const delivery of deliveries.filter((_, level) => level === at % deliveries.length)) {
      test(`${fault}, ${delivery}: Holdfast keeps its promise, the loss of the official client stands beside it`, {
        skip: fault === "freeze" && process.platform === "win32" ? "needs SIGSTOP" : skip,
      }, async (t) => {
        const cli = startCli(t, ["demo", ...options, "--fault", fault, "--delivery", delivery, "--json"]);
        const { code, stdout, stderr } = await cli.ended;
        assert.equal(code, 0, stderr);
        const run = parseRun(stdout);
        const endsServer = fault === "restart" || fault === "kill";
        assert.deepEqual([run.valid, run.fault, run.storage], [true, fault, endsServer ? "file" : "memory"]);
        const [holdfast, official] = run.clients;
        assert.ok(holdfast !== undefined && official !== undefined);
        assert.deepEqual([holdfast.name, official.name], ["holdfast", "nats.js"]);
        assert.deepEqual([holdfast.delivery, holdfast.attempted], [delivery, total]);
        for (const field of ["refused", "lostSilently", "wronglyHandedBack", "outOfOrder", "impossible"]) {
          assert.equal(holdfast[field], 0, field);
        }
        assert.equal(holdfast.countsAgree, true);
        checkAccount(holdfast, delivery, endsServer);
        assert.ok(Number(holdfast.inDoubtBytes) <= (fault === "flap" ? mostInDoubtAfterFlap : mostInDoubt));
        checkDetection(holdfast, fault);
        // A server that only stands still loses nothing of anybody.
        if (fault === "freeze") assert.equal(official.lostSilently, 0);
        else assert.ok(Number(official.lostSilently) > 0);
        assert.equal(official.confirmedThenLost, null);
        assert.deepEqual(await cli.leftovers(), []);
      });
    }
  }

  test("a black hole is noticed while it lasts when the stall timeout is shorter", { skip }, async (t) => {
    const hole = ["--fault", "blackhole", "--outage", "8000", "--stall-timeout", "300", "--only", "holdfast", "--json"];
    const cli = startCli(t, ["demo", "--rate", "1000", "--lead", "400", "--tail", "900", ...hole]);
    const { code, stdout, stderr } = await cli.ended;
    assert.equal(code, 0, stderr);
    const run = parseRun(stdout);
    const [holdfast] = run.clients;
    assert.equal(run.stallTimeoutMs, 300);
    assert.ok(Number(holdfast?.msToDetect) >= 300 && Number(holdfast?.msToDetect) < 7_500, `${holdfast?.msToDetect} ms`);
    assert.equal(holdfast?.lostSilently, 0);
  });
});

type Client = Readonly<Record<string, unknown>>;

/** Where each accepted message went. */
function checkAccount(client: Client, delivery: string, endsServer: boolean): void {
  const of = (field: string): number => Number(client[field]);
  if (!endsServer) assert.equal(client.confirmedThenLost, 0);
  assert.equal(of("stored") + of("handedBack") - of("storedInDoubt") + of("confirmedThenLost"), total);
  assert.equal(of("handedBack"), of("inDoubt"));
  assert.equal(of("confirmed"), total - of("inDoubt"));
  if (delivery === "at-least-once") {
    assert.equal(client.inDoubt, 0);
    assert.ok(of("duplicated") <= of("resent"), `${client.duplicated} stored twice, ${client.resent} sent again`);
  } else {
    assert.deepEqual([client.duplicated, client.resent], [0, 0]);
  }
}

function checkDetection(client: Client, fault: string): void {
  if (fault === "freeze") {
    assert.equal(client.msToDetect, null);
    assert.equal(client.connections, 1);
  } else if (fault === "blackhole") {
    // By the reset at its end.
    assert.ok(Number(client.msToDetect) >= 690, `${client.msToDetect} ms`);
  } else {
    assert.ok(typeof client.msToDetect === "number");
  }
}

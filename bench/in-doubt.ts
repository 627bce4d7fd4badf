/**
 * `node --conditions=source --import tsx bench/in-doubt.ts`: what is in doubt on a real connection when the way to the server becomes a black hole, and how fast the window
 * follows a link that changes. Real nats-server, a proxy in this process, the publisher in another, 10 000 messages of 128 bytes a second. Under a minute. For docs/WINDOW.md.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type FaultProxy, startFaultProxy, startNatsServer } from "holdfast/testing";
import { obtainNatsServer } from "../scripts/nats-server.ts";
import type { DoubtState, DoubtTask } from "./in-doubt-side.ts";
import { nodeCommand, Side } from "./shared/side.ts";
import { Variant, withoutWindow } from "./shared/variant.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const WINDOW = { name: "window", entry: new Variant([]).entry, maxInFlight: 8 * MIB, holeMs: 2000 };
// Long enough to fill the kernels on the way.
const FENCES_ONLY = { name: "fences only", entry: new Variant(withoutWindow).entry, maxInFlight: 1024 * MIB, holeMs: 7000 };

type Client = typeof WINDOW;
type Hole = "hold" | "swallow";

/** A publisher behind a proxy of its own. */
interface Rig {
  readonly proxy: FaultProxy;
  do(task: DoubtTask): Promise<DoubtState>;
}

process.env.NATS_SERVER = (await obtainNatsServer()).path;
await using server = await startNatsServer();

// In the background: it waits most of the time.
const jump = onRig(WINDOW, rttJump);
await holes("round trip 0", WINDOW, steady(2000));
await holes("round trip 0", FENCES_ONLY, steady(2000));
await holes("round trip 20 ms", WINDOW, async (rig) => {
  delay(rig.proxy, 20);
  await steady(2000)(rig);
});
await holes("the server hiccups for 60 to 140 ms", WINDOW, hiccups);
await holes("a burst of 16 MiB, then 3 s steady", WINDOW, async (rig) => {
  await rig.do({ kind: "burst", bytes: 16 * MIB });
  await steady(3000)(rig);
});
console.log(await jump);
console.log(await onRig(WINDOW, busyTurns));

/** Runs the same before a hole that holds and before one that swallows, both at the same time, and prints what was in doubt then. */
async function holes(name: string, client: Client, before: (rig: Rig) => Promise<void>): Promise<void> {
  const [held, swallowed] = await Promise.all(
    (["hold", "swallow"] as const).map((hole) => onRig(client, (rig) => blackHole(rig, before, hole, client.holeMs))),
  );
  console.log(`${name}, ${client.name}: in doubt ${kib(held)} (hold), ${kib(swallowed)} (swallow)`);
}

/** Bytes of frames in doubt after a hole, during which the publisher goes on. */
async function blackHole(rig: Rig, before: (rig: Rig) => Promise<void>, hole: Hole, ms: number): Promise<number> {
  await before(rig);
  const { accepted, confirmed } = await rig.do({ kind: "look" });
  rig.proxy.toServer[hole]();
  rig.proxy.toClient[hole]();
  await pause(ms);
  await rig.proxy.cut("rst-both");
  const after = await handedBack(rig);
  if (confirmed === 0 || after.accepted < accepted + 5000) throw new Error(`not steady: ${JSON.stringify(after)}`);
  return after.inDoubtBytes;
}

/** The state when all that is in doubt was handed back, which takes a few turns. */
async function handedBack(rig: Rig): Promise<DoubtState> {
  for (let waited = 0; ; waited += 100) {
    await pause(100);
    const state = await rig.do({ kind: "look" });
    // All frames have the same length.
    if (state.inDoubt > 0 && Number.isInteger(state.inDoubtBytes / state.inDoubt)) return state;
    if (waited > 5000) throw new Error(`not handed back: ${JSON.stringify(state)}`);
  }
}

async function hiccups(rig: Rig): Promise<void> {
  await rig.do({ kind: "steady", perSecond: 10_000 });
  for (let count = 0; count < 8; count++) {
    await pause(300 + 100 * Math.random());
    rig.proxy.toServer.hold();
    await pause(60 + 80 * Math.random());
    rig.proxy.toServer.forward();
  }
  await pause(400 * Math.random());
}

async function rttJump(rig: Rig): Promise<string> {
  await steady(2000)(rig);
  delay(rig.proxy, 600);
  await pause(20_000);
  const { heldBytes, window } = await rig.do({ kind: "look" });
  return `round trip 0 to 600 ms: ${(heldBytes / 1e6).toFixed(1)} MB unconfirmed after 20 s, window ${kib(window)}`;
}

async function busyTurns(rig: Rig): Promise<string> {
  await rig.do({ kind: "busy", bytes: 800_000, ms: 200 });
  await pause(2000);
  const before = await rig.do({ kind: "look" });
  const start = performance.now();
  await pause(5000);
  const after = await rig.do({ kind: "look" });
  const seconds = (performance.now() - start) / 1000;
  const rate = (from: number, to: number): string => (((to - from) * 168) / seconds / 1e6).toFixed(2);
  return `busy turns of 200 ms: ${rate(before.confirmed, after.confirmed)} of ${rate(before.accepted, after.accepted)} MB/s confirmed`;
}

function steady(ms: number): (rig: Rig) => Promise<void> {
  return async (rig) => {
    await rig.do({ kind: "steady", perSecond: 10_000 });
    await pause(ms);
  };
}

async function onRig<T>(client: Client, run: (rig: Rig) => Promise<T>): Promise<T> {
  await using proxy = await startFaultProxy({ upstream: server });
  const args = [client.entry, String(client.maxInFlight), proxy.url];
  const side = new Side<DoubtTask, DoubtState>(client.name, nodeCommand("in-doubt-side.ts", args));
  const result = await run({ proxy, do: (task) => side.do(task) });
  await side.end();
  return result;
}

/** Half of the round trip each way, for what is sent from now on. */
function delay(proxy: FaultProxy, roundTripMs: number): void {
  proxy.toServer.delay(roundTripMs / 2);
  proxy.toClient.delay(roundTripMs / 2);
}

function kib(bytes: number | undefined): string {
  return bytes === undefined ? "?" : bytes > 10 * MIB ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.round(bytes / KIB)} KiB`;
}

import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Link } from "../transport/transport.ts";
import { seededRandom } from "./seeded-random.ts";
import {
  assertObeyed,
  type Contract,
  type ContractPeer,
  drive,
  fill,
  type OpenLink,
  openLink,
  settled,
  type TransportHarness,
} from "./transport-harness.ts";
import { streamBytes } from "./transport-recorder.ts";

/** Every way in which a link can be cut. */
const cuts = ["peer.reset", "peer.fin", "peer.destroy", "link.reset", "link.destroy"] as const;
type Cut = (typeof cuts)[number];

/** Registers the tests of links that are cut while they are written to. */
export function cutContract(contract: Contract): void {
  for (const cut of cuts) {
    contract(`cut by ${cut}() with a chunk outstanding: it is not taken, and the peer never has all of it`, async (harness) => {
      const opened = await openLink(harness);
      const { link, peer, recorder, received } = opened;
      peer.read((bytes) => received.add(bytes));
      await drive(link, recorder, [1000, 2000, 3000]);
      peer.hold();
      await fill(link, recorder);
      const { takenBytes, handed } = recorder;
      const denied = watchDenial(opened);
      cutBy(cut, link, peer);
      await recorder.until(() => recorder.ends.length > 0);
      peer.read((bytes) => received.add(bytes));
      if (cut !== "peer.reset" && cut !== "peer.destroy") await peer.ended;
      await settled();
      assert.equal(recorder.takenBytes, takenBytes, "nothing was taken after the cut");
      assert.equal(recorder.ends.length, 1);
      if (cut.startsWith("link") || cut === "peer.fin") assert.equal(recorder.ends[0], null);
      else assert.equal(recorder.ends[0]?.name, "ConnectionError");
      assert.equal(received.wrongAt, -1, "what the peer has is a prefix of what was handed over");
      assert.ok(received.length <= handed);
      if (denied()) assert.ok(received.length < handed, "the end of the chunk never left");
      assert.equal(link.write(streamBytes(0, 10)), false);
      assertObeyed(recorder);
    });
  }

  contract(
    "whenever it is cut, the peer has a prefix of what was handed over, and its end only if that is not denied",
    async (harness) => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      const random = seededRandom(seed);
      for (let round = 0; round < 60; round++) await cutAtRandom(harness, random, `seed ${seed}, round ${round}`);
    },
  );
}

async function cutAtRandom(harness: TransportHarness, random: () => number, label: string): Promise<void> {
  const opened = await openLink(harness);
  const { link, peer, recorder, received } = opened;
  const denied = watchDenial(opened);
  const sink = (bytes: Uint8Array): void => {
    received.add(bytes);
    if (random() > 0.3) return;
    peer.hold();
    setImmediate(() => peer.read(sink));
  };
  peer.read(sink);
  const cut = cuts[Math.floor(random() * cuts.length)] ?? "peer.fin";
  let turns = Math.floor(random() * 40);
  while (recorder.ends.length === 0) {
    if (!recorder.waits) recorder.write(link, 1 + Math.floor(random() * link.chunkBytes));
    if (turns-- === 0) cutBy(cut, link, peer);
    else if (random() < 0.5 || turns < 0) await nextTurn();
  }
  // What the kernel still held arrives before the end that the peer sees.
  if (!cut.startsWith("peer.")) await peer.ended;
  await settled();
  assert.equal(received.wrongAt, -1, `${label}, ${cut}: the peer has something else than was handed over`);
  assert.ok(received.length <= recorder.handed, `${label}, ${cut}: the peer has more than was handed over`);
  if (denied() && recorder.waits) {
    assert.ok(received.length < recorder.handed, `${label}, ${cut}: the peer has all of a chunk that is said to be incomplete`);
  }
  assertObeyed(recorder);
}

/** Tells, once the link has closed, whether it said that the outstanding chunk cannot have gone out whole. */
function watchDenial({ link, recorder }: OpenLink): () => boolean {
  let denied = false;
  recorder.onClosed = () => {
    denied = link.unfinished === "last-item";
  };
  return () => denied;
}

function cutBy(cut: Cut, link: Link, peer: ContractPeer): void {
  switch (cut) {
    case "peer.reset":
      return peer.reset();
    case "peer.fin":
      return peer.fin();
    case "peer.destroy":
      return peer.destroy();
    case "link.reset":
      return link.reset();
    case "link.destroy":
      return link.destroy();
  }
}

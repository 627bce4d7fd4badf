import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { SecureOptions } from "../transport/transport.ts";
import { cutContract } from "./transport-cuts.ts";
import {
  assertObeyed,
  assertSocketsReturn,
  assertStream,
  type Contract,
  drive,
  fill,
  openLink,
  openSockets,
  settled,
  type TransportHarness,
} from "./transport-harness.ts";
import { LinkRecorder, streamBytes } from "./transport-recorder.ts";

export type { ContractChild, ContractPeer, TransportHarness } from "./transport-harness.ts";

const never: AbortSignal = new AbortController().signal;
const MiB: number = 1024 * 1024;

/**
 * Registers the tests that every transport must pass, for `node:test`. `makeHarness` is called for each test; what it makes is closed
 * at its end.
 */
export function transportContract(name: string, makeHarness: () => Promise<TransportHarness>): void {
  const contract: Contract = (behaviour: string, run) => {
    test(`${name}: ${behaviour}`, async (context) => {
      const harness = await makeHarness();
      try {
        await run(harness, context);
      } finally {
        await harness.close();
      }
    });
  };
  dialling(contract);
  writing(contract);
  cutContract(contract);
  ending(contract);
  atScale(contract);
}

function dialling(contract: Contract): void {
  contract("an IP address resolves to itself", async ({ transport }) => {
    assert.deepEqual(await transport.resolve("127.0.0.1"), ["127.0.0.1"]);
    assert.deepEqual(await transport.resolve("::1"), ["::1"]);
  });

  contract("a refused dial rejects with nats-core's ConnectionError and tells the handler nothing", async (harness) => {
    const recorder = new LinkRecorder();
    const dialled = harness.transport.dial(harness.refusing, recorder, dialOptions(harness));
    await assert.rejects(dialled, (error: Error) => {
      assert.equal(error.name, "ConnectionError");
      assert.equal(error.message, "connection refused");
      assert.ok(error.cause instanceof Error);
      return true;
    });
    await settled();
    assert.deepEqual(recorder.ends, []);
  });

  contract("a dial whose signal has aborted rejects with its reason", async (harness) => {
    const reason = new Error("no more");
    const dialled = harness.transport.dial(harness.endpoint, new LinkRecorder(), dialOptions(harness, AbortSignal.abort(reason)));
    await assert.rejects(dialled, reason);
  });

  contract("an abort while dialling rejects with the signal's reason, and nothing stays open", async (harness) => {
    const before = await openSockets();
    const controller = new AbortController();
    const recorder = new LinkRecorder();
    const dialled = harness.transport.dial(harness.endpoint, recorder, dialOptions(harness, controller.signal));
    const reason = new Error("took too long");
    controller.abort(reason);
    await assert.rejects(dialled, reason);
    assert.equal(getEventListeners(controller.signal, "abort").length, 0);
    await assertSocketsReturn(before, harness);
    assert.deepEqual(recorder.ends, []);
  });

  contract("an open link says whether it is encrypted, and has left the dial's signal", async (harness) => {
    const { link } = await harness.open(new LinkRecorder());
    assert.equal(link.encrypted, harness.encrypted);
    assert.ok(link.chunkBytes >= 1);
    const { signal } = new AbortController();
    await harness.transport.dial(harness.endpoint, new LinkRecorder(), dialOptions(harness, signal));
    assert.equal(getEventListeners(signal, "abort").length, 0);
  });
}

function writing(contract: Contract): void {
  contract("bytes go both ways", async (harness) => {
    const { link, peer, recorder, received } = await openLink(harness);
    const kept: Uint8Array[] = [];
    recorder.onData = (bytes) => kept.push(Uint8Array.from(bytes));
    peer.read((bytes) => received.add(bytes));
    for (let i = 0; i < 50; i++) {
      await peer.send(streamBytes(i * 1000, 1000));
      await drive(link, recorder, [700]);
    }
    await recorder.until(() => recorder.inbound.length === 50_000);
    link.end();
    assert.equal(await peer.ended, "fin");
    assertStream(received, 35_000);
    assert.equal(Buffer.compare(Buffer.concat(kept), streamBytes(0, 50_000)), 0);
    assertObeyed(recorder);
  });

  contract("a chunk that has to wait is taken once, when the peer reads", async (harness) => {
    const { link, peer, recorder, received } = await openLink(harness);
    await fill(link, recorder);
    const before = recorder.takenBytes;
    assert.ok(before < recorder.handed);
    assert.throws(() => link.write(streamBytes(0, 1)), /before taken/);
    peer.read((bytes) => received.add(bytes));
    await recorder.until(() => !recorder.waits);
    await settled();
    assert.equal(recorder.takenBytes, recorder.handed);
    await drive(link, recorder, [1, 2, link.chunkBytes]);
    link.end();
    assert.equal(await peer.ended, "fin");
    assertStream(received, recorder.handed);
    assertObeyed(recorder);
  });
}

function ending(contract: Contract): void {
  contract("what arrived before the peer's FIN is delivered before closed()", async (harness) => {
    const { link, peer, recorder } = await openLink(harness);
    await peer.send(streamBytes(0, MiB));
    peer.fin();
    await recorder.until(() => recorder.ends.length > 0);
    assert.deepEqual(recorder.ends, [null]);
    assertStream(recorder.inbound, MiB);
    assert.equal(link.write(streamBytes(0, 1)), false);
    await settled();
    assertObeyed(recorder);
  });

  contract("end() delivers everything, also an outstanding chunk, and then FIN", async (harness) => {
    const { link, peer, recorder, received } = await openLink(harness);
    await fill(link, recorder);
    link.end();
    assert.equal(link.write(streamBytes(0, 1)), false);
    peer.read((bytes) => received.add(bytes));
    assert.equal(await peer.ended, "fin");
    assertStream(received, recorder.handed);
    peer.fin();
    await recorder.until(() => recorder.ends.length > 0);
    assert.deepEqual(recorder.ends, [null]);
    assertObeyed(recorder);
  });

  for (const how of ["reset", "destroy"] as const) {
    contract(`after ${how}() nothing but closed() follows, also not what happened before it`, async (harness) => {
      const { link, peer, recorder } = await openLink(harness);
      await peer.send(streamBytes(0, 100_000));
      await recorder.until(() => recorder.inbound.length > 0);
      const { length } = recorder.inbound;
      const taken = recorder.write(link, 1000) ? 1000 : 0;
      link[how]();
      await recorder.until(() => recorder.ends.length > 0);
      await settled();
      assert.deepEqual([recorder.inbound.length, recorder.takenBytes, recorder.ends.length], [length, taken, 1]);
      assertObeyed(recorder);
    });
  }

  contract("reset() while a chunk waits to be sent before the FIN of end() closes without the chunk", async (harness) => {
    const before = await openSockets();
    const { link, recorder } = await openLink(harness);
    await fill(link, recorder);
    link.end();
    await settled();
    link.reset();
    await recorder.until(() => recorder.ends.length > 0);
    assert.deepEqual(recorder.ends, [null]);
    assert.ok(recorder.waits);
    assertObeyed(recorder);
    await assertSocketsReturn(before, harness);
  });

  contract("reset() is seen by the peer as a reset", async (harness) => {
    const { link, peer, recorder } = await openLink(harness);
    const read = new Promise<void>((resolve) => peer.read(() => resolve()));
    await drive(link, recorder, [100]);
    // Only then: a reset that comes together with bytes is reported by libuv as their end.
    await read;
    link.reset();
    assert.equal(await peer.ended, "rst");
    await recorder.until(() => recorder.ends.length > 0);
    assert.deepEqual(recorder.ends, [null]);
  });

  for (const first of ["end", "reset", "destroy"] as const) {
    for (const second of ["end", "reset", "destroy"] as const) {
      contract(`${first}() and then ${second}() close once and leave nothing open`, async (harness) => {
        const before = await openSockets();
        for (const apart of [false, true]) {
          const { link, peer, recorder } = await openLink(harness);
          peer.read(() => {});
          recorder.write(link, 10);
          link[first]();
          if (apart) await nextTurn();
          link[second]();
          await peer.ended;
          peer.destroy();
          await recorder.until(() => recorder.ends.length > 0);
          await settled();
          assert.equal(recorder.ends.length, 1);
          assertObeyed(recorder);
        }
        await assertSocketsReturn(before, harness);
      });
    }
  }
}

function atScale(contract: Contract): void {
  contract("64 MiB arrive in order at a peer that reads now and then", async (harness) => {
    const { link, peer, recorder, received } = await openLink(harness);
    let quota = 0;
    const sink = (bytes: Uint8Array): void => {
      received.add(bytes);
      quota -= bytes.length;
      if (quota > 0) return;
      quota = 5 * MiB;
      peer.hold();
      setImmediate(() => peer.read(sink));
    };
    peer.read(sink);
    while (recorder.handed < 64 * MiB) await drive(link, recorder, [link.chunkBytes]);
    link.end();
    assert.equal(await peer.ended, "fin");
    assertStream(received, recorder.handed);
    assertObeyed(recorder);
  });

  contract("64 MiB from the peer arrive in order", async (harness) => {
    const { peer, recorder } = await openLink(harness);
    for (let sent = 0; sent < 64 * MiB; sent += MiB) await peer.send(streamBytes(sent, MiB));
    peer.fin();
    await recorder.until(() => recorder.ends.length > 0);
    assertStream(recorder.inbound, 64 * MiB);
    assertObeyed(recorder);
  });

  contract("links and refused dials leave nothing behind", async (harness) => {
    const before = await openSockets();
    for (let i = 0; i < 30; i++) {
      const { link, peer, recorder } = await openLink(harness);
      link.destroy();
      peer.destroy();
      await recorder.until(() => recorder.ends.length > 0);
      await assert.rejects(harness.transport.dial(harness.refusing, recorder, dialOptions(harness)));
    }
    await assertSocketsReturn(before, harness);
  });

  contract("a link keeps its process alive, and does not after keepAlive(false)", async (harness, context) => {
    if (harness.spawn === undefined) {
      context.skip("its links never keep a process alive");
      return;
    }
    const idle = harness.spawn(false);
    const silent = await harness.accepted();
    assert.equal(await idle.exited, 0);
    silent.destroy();
    const busy = harness.spawn(true);
    const peer = await harness.accepted();
    let count = 0;
    await new Promise<void>((resolve) => {
      peer.read((bytes) => {
        count += bytes.length;
        if (count === 2) resolve();
      });
      void busy.exited.then(() => resolve());
    });
    assert.equal(count, 2, "it was alive to send the second byte");
    peer.fin();
    assert.equal(await busy.exited, 7);
  });
}

function dialOptions(
  harness: TransportHarness,
  signal: AbortSignal = never,
): { readonly signal: AbortSignal; readonly secure?: SecureOptions } {
  return harness.secure === undefined ? { signal } : { signal, secure: harness.secure };
}

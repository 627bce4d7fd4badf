import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SMALLEST_WINDOW, Window, type WindowFence } from "../../src/outbound/window.ts";

const KIB = 1024;
const CAP = 8 * 1024 * KIB;

function fence(changes: Partial<WindowFence> = {}): WindowFence {
  return { time: 0, inFlight: SMALLEST_WINDOW, alone: false, handedOver: SMALLEST_WINDOW, stopped: true, ...changes };
}

/** A window grown to `size` by quick round trips with much waiting; returns the time. */
function grow(window: Window, size: number): number {
  let now = 0;
  while (window.size < size) {
    now += 10;
    const all = window.size;
    window.confirmed(fence({ time: now - 1, inFlight: all, handedOver: all }), now, CAP, all, 0);
  }
  return now;
}

describe("the window", () => {
  it("is 64 KiB on every connection", () => {
    const window = new Window(CAP);
    window.opened(0);
    assert.equal(window.size, 64 * KIB);
    grow(window, 512 * KIB);
    window.opened(1000);
    assert.equal(window.size, 64 * KIB);
  });

  it("doubles when it stopped the writer behind a fence whose PONG came quickly and as much again waits", () => {
    const window = new Window(CAP);
    window.confirmed(fence({ time: 0 }), 5, 64 * KIB, 64 * KIB, 0);
    assert.equal(window.size, 128 * KIB);
  });

  it("does not double when less waits, or when the writer stopped by itself", () => {
    for (const [waiting, stopped] of [
      [64 * KIB - 1, true],
      [CAP, false],
    ] as const) {
      const window = new Window(CAP);
      window.confirmed(fence({ stopped }), 5, waiting, 64 * KIB, 0);
      assert.equal(window.size, 64 * KIB);
    }
  });

  it("does not double for a PONG later than max(10 ms, 2 x base)", () => {
    const window = new Window(CAP);
    window.confirmed(fence({ time: 0, inFlight: 100 }), 20, CAP, 64 * KIB, 0);
    assert.equal(window.size, 128 * KIB, "a fence with little in flight is its own base");
    window.confirmed(fence({ time: 21, inFlight: 128 * KIB }), 61, CAP, 128 * KIB, 0);
    assert.equal(window.size, 256 * KIB, "40 ms = 2 x 20 ms");
    window.confirmed(fence({ time: 62, inFlight: 256 * KIB }), 103, CAP, 256 * KIB, 0);
    assert.equal(window.size, 256 * KIB, "41 ms is too late");
  });

  it("takes the latest, not the lowest, round trip as its base", () => {
    const window = new Window(CAP);
    window.confirmed(fence({ time: 0, inFlight: 100, stopped: false }), 1, CAP, 0, 0);
    window.confirmed(fence({ time: 10, inFlight: 100, stopped: false }), 610, CAP, 0, 0);
    window.confirmed(fence({ time: 700, inFlight: 128 * KIB }), 1800, CAP, 128 * KIB, 0);
    assert.equal(window.size, 128 * KIB, "1100 ms is within 2 x 600 ms");
  });

  it("counts a frame alone in flight for the base, however long it is", () => {
    const window = new Window(CAP);
    window.confirmed(fence({ time: 0, inFlight: 5 * 1024 * KIB, alone: true, stopped: false }), 1000, CAP, 0, 0);
    window.confirmed(fence({ time: 2000, inFlight: 128 * KIB }), 3900, CAP, 128 * KIB, 0);
    assert.equal(window.size, 128 * KIB);
  });

  it("changes at most once a round trip", () => {
    const window = new Window(CAP);
    window.confirmed(fence({ time: 0 }), 5, CAP, 64 * KIB, 0);
    window.confirmed(fence({ time: 4 }), 6, CAP, 64 * KIB, 0);
    assert.equal(window.size, 128 * KIB, "that fence was sent under the old size");
    window.confirmed(fence({ time: 6, inFlight: 128 * KIB }), 8, CAP, 128 * KIB, 0);
    assert.equal(window.size, 256 * KIB);
  });

  it("halves when less than it waits and less than a third was handed over since the fence", () => {
    const window = new Window(CAP);
    const now = grow(window, 512 * KIB);
    const size = window.size;
    window.confirmed(fence({ time: now + 1, inFlight: 1000, handedOver: 1000 }), now + 2, 0, 1000 + size / 3, 0);
    assert.equal(window.size, size, "a third was handed over: it is needed");
    window.confirmed(fence({ time: now + 3, inFlight: 1000, handedOver: 1000 }), now + 4, 0, 1000 + size / 3 - 1, 0);
    assert.equal(window.size, size / 2);
  });

  it("stays within its floor and its cap", () => {
    const window = new Window(200 * KIB);
    grow(window, 200 * KIB);
    assert.equal(window.size, 200 * KIB);
    for (let now = 100; now < 200; now += 2) window.confirmed(fence({ time: now, inFlight: 0, handedOver: 0 }), now + 1, 0, 0, 0);
    assert.equal(window.size, 64 * KIB);
  });

  it("is 64 KiB again after a second with nothing in flight, not before", () => {
    const window = new Window(CAP);
    const now = grow(window, 1024 * KIB);
    assert.equal(window.room(0, now + 999), window.size);
    assert.ok(window.size > 64 * KIB);
    window.room(0, now + 1000);
    assert.equal(window.size, 64 * KIB);
  });

  it("waits for little in flight to renew a base older than 10 s, and asks for a fence then, once", () => {
    const window = new Window(CAP);
    grow(window, 256 * KIB);
    const size = window.size;
    window.confirmed(fence({ time: 11_000, inFlight: size }), 11_500, CAP, size, size);
    assert.equal(window.size, size, "the window stays");
    assert.equal(window.room(64 * KIB + 1, 11_500), 0, "nothing is handed over");
    assert.equal(window.renewal(64 * KIB + 1), false);
    assert.equal(window.renewal(64 * KIB), true);
    assert.equal(window.renewal(64 * KIB), false);
    assert.equal(window.room(64 * KIB, 11_501), size - 64 * KIB);
  });

  it("has room for what is left, and a fence each quarter but at least each MiB", () => {
    const window = new Window(CAP);
    assert.equal(window.room(10_000, 0), 64 * KIB - 10_000);
    assert.equal(window.room(70_000, 0), 0);
    assert.equal(window.quarter, 16 * KIB);
    grow(window, CAP);
    assert.equal(window.quarter, 1024 * KIB);
  });
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LARGEST_PIECE, MemoryPool, SMALLEST_PIECE } from "../../src/bytes/memory-pool.ts";

describe("MemoryPool", () => {
  it("gives the piece that came back last, if the size is the same", () => {
    const pool = new MemoryPool(1024 * 1024);
    const [a, b] = [pool.take(SMALLEST_PIECE), pool.take(SMALLEST_PIECE)];
    pool.give(a);
    pool.give(b);
    assert.equal(pool.freeBytes, 2 * SMALLEST_PIECE);
    assert.equal(pool.take(SMALLEST_PIECE), b);
    assert.notEqual(pool.take(2 * SMALLEST_PIECE), a);
    assert.equal(pool.take(SMALLEST_PIECE), a);
    assert.equal(pool.freeBytes, 0);
  });

  it("keeps no more than it may, and no odd sizes", () => {
    const pool = new MemoryPool(LARGEST_PIECE);
    const pieces = [
      pool.take(LARGEST_PIECE),
      pool.take(LARGEST_PIECE),
      pool.take(5000),
      pool.take(2 * LARGEST_PIECE),
      pool.take(0),
    ];
    assert.deepEqual(
      pieces.map((piece) => piece.length),
      [LARGEST_PIECE, LARGEST_PIECE, 5000, 2 * LARGEST_PIECE, 0],
    );
    for (const piece of pieces) pool.give(piece);
    assert.equal(pool.freeBytes, LARGEST_PIECE);
  });

  it("lets go of everything", () => {
    const pool = new MemoryPool(1024 * 1024);
    const piece = pool.take(SMALLEST_PIECE);
    pool.give(piece);
    pool.trim();
    assert.equal(pool.freeBytes, 0);
    assert.notEqual(pool.take(SMALLEST_PIECE), piece);
  });
});

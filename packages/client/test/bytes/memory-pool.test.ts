import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LARGEST_PIECE, longPieceBytes, MemoryPool, SMALLEST_PIECE } from "../../src/bytes/memory-pool.ts";

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

  it("keeps what a burst needed, and lets go by and by of what is not needed again", () => {
    const pool = new MemoryPool(2 * LARGEST_PIECE, 10 * LARGEST_PIECE);
    const burst = Array.from({ length: 12 }, () => pool.take(LARGEST_PIECE));
    for (const piece of burst) pool.give(piece);
    assert.equal(pool.freeBytes, 10 * LARGEST_PIECE);
    assert.equal(pool.hasSurplus, true);
    // It came in this very moment: nobody can say yet that it is not needed.
    pool.ease();
    assert.equal(pool.freeBytes, 10 * LARGEST_PIECE);
    // Two of it were needed for a while, eight were not.
    const again = [pool.take(LARGEST_PIECE), pool.take(LARGEST_PIECE)];
    for (const piece of again) pool.give(piece);
    pool.ease();
    assert.equal(pool.freeBytes, 6 * LARGEST_PIECE);
    for (let second = 0; second < 10; second++) pool.ease();
    assert.equal(pool.freeBytes, 2 * LARGEST_PIECE);
    assert.equal(pool.hasSurplus, false);
  });

  it("gives a piece for a long frame again to one of like length, and is never short nor more than an eighth longer", () => {
    const pool = new MemoryPool(16 * LARGEST_PIECE);
    const piece = pool.take(longPieceBytes(100_000));
    pool.give(piece);
    assert.equal(pool.take(longPieceBytes(99_000)), piece);
    for (let bytes = 65_537; bytes < 70_000_000; bytes = Math.ceil(bytes * 1.01)) {
      const size = longPieceBytes(bytes);
      assert.ok(size >= bytes && size <= bytes * 1.125, `${size} for ${bytes}`);
      assert.equal(longPieceBytes(size), size);
    }
    const huge = pool.take(longPieceBytes(3_000_000));
    pool.give(huge);
    assert.equal(pool.freeBytes, 0);
  });
});

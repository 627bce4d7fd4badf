import { frameBytes } from "./cuts-messages.ts";
import type { Cut, CutRig } from "./cuts-rig.ts";

/** Payload bytes of a message that goes in several pieces, also under TLS. */
export const LONG = 700_000;
const SHORT = 10;
/** Longer than what the kernels of both ends take and what the server reads before the cut. */
const HUGE = 16 * 1024 * 1024;
const MOST_READ = 3 * 1024 * 1024;
const AROUND = 64;
/** Of a long frame, TCP. */
const PIECE = 64 * 1024;
const STEP = 5_000;

/** Bytes of the long frame. */
const longFrame = frameBytes(LONG);
/** Prime to the number of bytes, so that each comes once, and about the golden ratio of it, so that they spread. */
const STRIDE = 432_671;

/** A cut while a message of `payload` bytes is on its way, after so many bytes from its first one. */
function longCut(bytes: number, payload: number = LONG): Cut {
  return {
    bytes,
    kind: bytes % 4 === 3 ? "fin" : "rst",
    // Behind the long frame nothing goes without a PONG: the window is full.
    pongs: bytes % 2 === 0 || bytes > frameBytes(payload),
    sizes: [payload, SHORT, SHORT, SHORT, SHORT, SHORT],
    perTurn: bytes % 3 === 0 ? 1 : 6,
  };
}

/** Cuts up to 64 bytes before and behind each boundary of the frame of a message, and of its pieces of `chunkBytes`. */
export async function aroundPieces(rig: CutRig, payload: number, chunkBytes: number): Promise<void> {
  const frame = frameBytes(payload);
  const boundaries = [frame];
  for (let at = 0; at < frame; at += chunkBytes) boundaries.push(at);
  for (const boundary of boundaries) {
    for (let bytes = Math.max(0, boundary - AROUND); bytes <= boundary + AROUND; bytes++) await rig.cut(longCut(bytes, payload));
  }
}

/** Cuts after every byte of the frame, or as many as the time allows. Returns how many that were. */
export async function everyByteOfLong(rig: CutRig, milliseconds: number): Promise<string> {
  const end = performance.now() + milliseconds;
  const all = longFrame + 1;
  let cuts = 0;
  for (let bytes = 0; cuts < all && performance.now() < end; cuts++, bytes = (bytes + STRIDE) % all) {
    await rig.cut(longCut(bytes));
  }
  return `${cuts} of ${all} bytes; ${rig.figures}`;
}

/**
 * The server reads nothing while a message is handed over that its kernel and ours cannot hold together, then a part, and cuts: the client
 * has the rest, and so the message cannot be in doubt. It is sent again from its first byte.
 */
export async function neverWhole(rig: CutRig, cuts: number, random: () => number): Promise<void> {
  for (let count = 0; count < cuts; count++) {
    const piece = Math.floor(random() * 12) * PIECE;
    const bytes = count % 2 === 0 ? Math.floor(random() * MOST_READ) : piece + Math.floor(random() * AROUND);
    await rig.cut({ bytes, kind: count % 3 === 2 ? "fin" : "rst", pongs: true, sizes: [HUGE, SHORT], perTurn: 2, late: true });
  }
}

/**
 * Messages about as long as what the kernels of both ends hold together, so that now the last piece of one waits for room when the connection
 * ends, now all of it was taken. Returns how many the server had whole, and how many not.
 */
export async function aroundCapacity(rig: CutRig): Promise<{ whole: number; parts: number }> {
  const found = { whole: 0, parts: 0 };
  const fill = async (bytes: number): Promise<boolean> => {
    const whole = await rig.fill(bytes);
    found[whole ? "whole" : "parts"] += 1;
    return whole;
  };
  let [low, high] = [0, HUGE];
  while (high - low > PIECE / 2) {
    const middle = Math.floor((low + high) / 2);
    if (await fill(middle)) low = middle;
    else high = middle;
  }
  // What they hold together differs by some pieces from one connection to the next.
  for (let bytes = low - 3 * PIECE; bytes <= low + PIECE; bytes += STEP) await fill(bytes);
  return found;
}

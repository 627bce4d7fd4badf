import { frameBytes } from "./cuts-messages.ts";
import type { CutRig } from "./cuts-rig.ts";

/** Payload bytes of ten messages: plain, with a longer subject, with a reply, with headers. Most are short: each byte costs a connection. */
const TEN: readonly number[] = [8, 8, 9, 8, 8, 10, 8, 8, 8, 14];
/** Payload bytes of 200 messages: their frames have 19 to 62 bytes. */
const SIZES: readonly number[] = Array.from({ length: 200 }, (_, at) => (at % 40 === 37 ? 28 + (at % 9) : (TEN[at % 10] ?? 8)));
/** Messages published behind the one in which the cut falls. */
const BEYOND = 4;
const PER_TURN = [200, 7, 40, 1] as const;
/** After so many bytes the kinds of cuts begin anew. */
const RHYTHM = 4 * PER_TURN.length;

/**
 * Cuts after every byte of the frames of 200 messages: by RST, every fourth by FIN; with PONGs and without; in several rhythms. `part` of
 * `parts`: the others are somebody else's.
 */
export async function everyByteOfSmall(rig: CutRig, part: number = 0, parts: number = 1): Promise<void> {
  let end = 0;
  for (let at = 0, bytes = 0; at < SIZES.length; at++) {
    for (end += frameBytes(SIZES[at] ?? 0); bytes <= end; bytes++) {
      if (Math.floor(bytes / RHYTHM) % parts !== part) continue;
      await rig.cut({
        bytes,
        kind: bytes % 4 === 3 ? "fin" : "rst",
        pongs: bytes % 2 === 0,
        sizes: SIZES.slice(0, at + 1 + BEYOND),
        perTurn: PER_TURN[Math.floor(bytes / 4) % PER_TURN.length] ?? 1,
      });
    }
  }
}

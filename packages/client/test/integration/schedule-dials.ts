/** Random servers: what becomes of each dial. */
import fc from "fast-check";
import { type Announced, type Cut, type DialScript, generous, type Mode, type Reading, type Refusals } from "./schedule-steps.ts";

/** True once in `n`. */
export const once = (n: number): fc.Arbitrary<boolean> => fc.nat(n - 1).map((drawn) => drawn === n - 1);

export const announced: fc.Arbitrary<Announced> = fc.record({
  maxPayload: fc.constantFrom(1024 * 1024, 1024 * 1024, 2000, 70_000),
  headers: once(4).map((not) => !not),
});

const pause = fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(3, 40, 5000) });
export const mode = (weight: number): fc.Arbitrary<Mode> => once(weight).map((hold) => (hold ? "hold" : "auto"));
export const reading: fc.Arbitrary<Reading> = fc.constantFrom<Reading>("auto", "auto", "auto", "hold", "hold", "trickle");
export const cut: fc.Arbitrary<Cut> = fc.constantFrom<Cut>("rst", "fin");

/** A server that behaves, over any kernel. */
const fair: fc.Arbitrary<DialScript> = fc.record({
  answer: fc.constant("accept" as const),
  delayMs: fc.constantFrom(0, 0, 0, 15),
  capacity: fc.constantFrom(64, 1000, 16_384, 65_536, 65_536, Infinity),
  chunkBytes: fc.constantFrom(65_536, 65_536, 65_536, 262_144, 9000),
  unfinished: once(3).map((tls) => (tls ? "nothing" : "last-item")),
  piece: fc.constantFrom(65_536, 65_536, 65_536, 65_536, 65_536, 7),
  joined: once(3),
  pauses: fc.tuple(pause, pause, pause),
  dies: fc.constant("never" as const),
  how: cut,
  info: fc.oneof({ weight: 4, arbitrary: fc.constant(generous) }, { weight: 1, arbitrary: announced }),
  account: fc.option(announced, { freq: 1 }),
  cutAfter: fc.constant(null),
  reading,
  pongs: mode(3),
  refusals: fc.constantFrom<Refusals>("exact", "exact", "exact", "withheld", "doubled", "none"),
});

export const dial: fc.Arbitrary<DialScript> = fc.oneof(
  { weight: 3, arbitrary: fair },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fair, fc.oneof(fc.nat(200), fc.nat(20_000), fc.nat(400_000)))
      .map(([script, cutAfter]): DialScript => ({ ...script, cutAfter })),
  },
  { weight: 1, arbitrary: fair.map((script): DialScript => ({ ...script, answer: "refuse" })) },
  { weight: 1, arbitrary: fair.map((script): DialScript => ({ ...script, answer: "hang" })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fair,
        fc.constantFrom<DialScript["dies"]>(
          "garbage",
          "greeting",
          "introduced",
          "asked",
          "authenticated",
          "subscribed",
          "silent",
        ),
      )
      .map(([script, dies]): DialScript => ({ ...script, dies })),
  },
);

import type { UndeliveredState } from "holdfast";
import { eachNumber, type Ranges } from "./ranges.ts";

/** What is known of one client's run. Messages are known by number; `publish()` was called for 0 to `attempted` − 1, in this order. */
export interface Evidence {
  /** A: how many times `publish()` was called. */
  readonly attempted: number;
  /** R: the numbers whose `publish()` threw. */
  readonly refused: Ranges;
  /** H by state, as `onUndelivered` gave them; `null` for a client that hands nothing back. */
  readonly handedBack: ReadonlyMap<UndeliveredState, Ranges> | null;
  /** The stream from its first message to its last; −1 for a message that nobody published so. S is the set of these. */
  readonly stream: Iterable<number>;
  /**
   * C: the numbers whose loss is the server's, because somebody else than the client saw the server confirm them; empty where nothing is
   * excused so, `null` for a client that knows no confirmation.
   */
  readonly receipts: Ranges | null;
}

/** What the oracle found; `null` where the client has no notion of it. */
export interface Findings {
  readonly attempted: number;
  readonly refused: number;
  /** |S|: copies do not count. */
  readonly stored: number;
  /** |H| */
  readonly handedBack: number | null;
  /** |D|, those of H whose state is inDoubt. */
  readonly inDoubt: number | null;
  /** |S ∩ D|: in doubt, and stored all the same. That is no fault: in doubt means just this. */
  readonly storedInDoubt: number | null;
  /** |A ∖ R ∖ S ∖ H ∖ C|: accepted, not in the stream, and nobody was told. */
  readonly lostSilently: number;
  /** |(S ∪ C) ∩ H| in a state that says that the server cannot have it: dropped, expired, undeliverable or abandoned. */
  readonly wronglyHandedBack: number | null;
  /** Copies in the stream − |S|. */
  readonly duplicated: number;
  /**
   * First copies that stand behind a message with a greater number. Later copies neither count nor are counted against: what
   * at-least-once sends again comes from further back, but whatever comes for the first time must be newer than all before it.
   */
  readonly outOfOrder: number;
  /** |A ∖ R ∖ S ∖ H ∩ C|: confirmed, and lost in the server afterwards. */
  readonly confirmedThenLost: number | null;
  /**
   * What no client may do and no count above shows: a message in the stream that was never published, was refused or arrived changed;
   * one confirmed that was never accepted; one handed back that was never accepted, or handed back twice; one rejected by the server and stored all the same.
   */
  readonly impossible: number;
}

/** Marks of a message; the upper ones are the groups of states of docs/DESIGN.md section 2. */
const refusedMark = 1;
const storedMark = 2;
const inDoubtMark = 4;
const cannotHaveItMark = 8;
const rejectedMark = 16;
const receiptMark = 32;
const handedBackMarks = inDoubtMark | cannotHaveItMark | rejectedMark;

/** Compares what the client said with what the stream holds. Pure; time and memory are linear in the number of messages. */
export function examine(evidence: Evidence): Findings {
  const marks = new Uint8Array(evidence.attempted);
  const refused = markRefused(marks, evidence.refused);
  const handedBackImpossibly = markHandedBack(marks, evidence.handedBack ?? new Map());
  const confirmedImpossibly = markReceipts(marks, evidence.receipts ?? []);
  const stream = readStream(marks, evidence.stream);
  const sums = sum(marks);
  const handsBack = evidence.handedBack !== null;
  return {
    attempted: evidence.attempted,
    refused,
    stored: sums.stored,
    handedBack: handsBack ? sums.handedBack : null,
    inDoubt: handsBack ? sums.inDoubt : null,
    storedInDoubt: handsBack ? sums.storedInDoubt : null,
    lostSilently: sums.lostSilently,
    wronglyHandedBack: handsBack ? sums.wronglyHandedBack : null,
    duplicated: stream.duplicated,
    outOfOrder: stream.outOfOrder,
    confirmedThenLost: evidence.receipts === null ? null : sums.confirmedThenLost,
    impossible: handedBackImpossibly + confirmedImpossibly + stream.foreign + sums.contradictions,
  };
}

function markRefused(marks: Uint8Array, refused: Ranges): number {
  let count = 0;
  for (const number of eachNumber(refused)) {
    if (number >= marks.length) throw new RangeError(`message ${number} was refused, but only ${marks.length} were published`);
    marks[number] = refusedMark;
    count += 1;
  }
  return count;
}

/** How many were handed back that could not be: not accepted, or handed back before. */
function markHandedBack(marks: Uint8Array, handedBack: ReadonlyMap<UndeliveredState, Ranges>): number {
  let impossible = 0;
  for (const [state, ranges] of handedBack) {
    const mark = markOf(state);
    for (const number of eachNumber(ranges)) {
      const before = marks[number];
      if (before === undefined || before !== 0) impossible += 1;
      if (before !== undefined) marks[number] = before | mark;
    }
  }
  return impossible;
}

/** How many were confirmed that were never published. A message that was sent twice may be confirmed twice. */
function markReceipts(marks: Uint8Array, receipts: Ranges): number {
  let impossible = 0;
  for (const number of eachNumber(receipts)) {
    const before = marks[number];
    if (before === undefined) impossible += 1;
    else marks[number] = before | receiptMark;
  }
  return impossible;
}

function markOf(state: UndeliveredState): number {
  switch (state) {
    case "inDoubt":
      return inDoubtMark;
    case "rejected":
      return rejectedMark;
    case "dropped":
    case "expired":
    case "undeliverable":
    case "abandoned":
      return cannotHaveItMark;
  }
}

function readStream(marks: Uint8Array, stream: Iterable<number>): { duplicated: number; outOfOrder: number; foreign: number } {
  let duplicated = 0;
  let outOfOrder = 0;
  let foreign = 0;
  let greatest = -1;
  for (const number of stream) {
    const mark = marks[number];
    if (mark === undefined) {
      foreign += 1;
    } else if ((mark & storedMark) !== 0) {
      duplicated += 1;
    } else {
      marks[number] = mark | storedMark;
      if (number < greatest) outOfOrder += 1;
      else greatest = number;
    }
  }
  return { duplicated, outOfOrder, foreign };
}

type Sums = Record<
  | "stored"
  | "handedBack"
  | "inDoubt"
  | "storedInDoubt"
  | "lostSilently"
  | "confirmedThenLost"
  | "wronglyHandedBack"
  | "contradictions",
  number
>;

function sum(marks: Uint8Array): Sums {
  const sums: Sums = {
    stored: 0,
    handedBack: 0,
    inDoubt: 0,
    storedInDoubt: 0,
    lostSilently: 0,
    confirmedThenLost: 0,
    wronglyHandedBack: 0,
    contradictions: 0,
  };
  for (const mark of marks) {
    const stored = (mark & storedMark) !== 0;
    // Whatever the client says of itself, the server read it.
    const reached = (mark & (storedMark | receiptMark)) !== 0;
    if (mark === 0) sums.lostSilently += 1;
    if (mark === receiptMark) sums.confirmedThenLost += 1;
    if (stored) sums.stored += 1;
    if ((mark & handedBackMarks) !== 0) sums.handedBack += 1;
    if ((mark & inDoubtMark) !== 0) sums.inDoubt += 1;
    if (stored && (mark & inDoubtMark) !== 0) sums.storedInDoubt += 1;
    if (reached && (mark & cannotHaveItMark) !== 0) sums.wronglyHandedBack += 1;
    if ((stored && (mark & rejectedMark) !== 0) || (reached && (mark & refusedMark) !== 0)) sums.contradictions += 1;
  }
  return sums;
}

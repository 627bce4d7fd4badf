/**
 * Judges a run from the outside: what the publisher was told against what the server stored, what the client gave to its links, and what
 * the proxy forwarded. Messages are known by number, 0 up, in the order in which `publish()` accepted them.
 *
 * What "in doubt" has to mean here, precisely. A message was *handed over* to a link when its last byte was part of a chunk given to that
 * link before it closed, and the link does not know better (`Link.unfinished`). A message may end in doubt only if it was handed over, and
 * the link closed before a PONG confirmed it: so whatever was accepted after the client noticed a cut is never in doubt by that cut. What a
 * client hands over between the cut in the proxy and the moment it can notice is in doubt too; after a RST that is at most one chunk.
 */
import type { Counts, UndeliveredState } from "../../src/index.ts";

/** A message as `onUndelivered` gave it. */
export interface HandedBack {
  readonly number: number;
  readonly state: UndeliveredState;
}

/** The frame of a message on a link: its first byte and the byte behind its last, counted from the link's first byte. */
export interface SentFrame {
  readonly number: number;
  readonly start: number;
  readonly end: number;
}

/** One link of the client, from dial to close. */
export interface LinkEvidence {
  /** The frames that were handed over whole, in order. */
  readonly handedOver: readonly SentFrame[];
  /** Bytes given to the link before the proxy cut it by RST; `null` when it ended otherwise. */
  readonly handedAtReset: number | null;
  readonly chunkBytes: number;
  /** The largest window that was in force at a write, bytes. */
  readonly largestWindow: number;
  /** How many messages `publish()` had accepted when the link closed. */
  readonly acceptedAtEnd: number;
  /** How many messages ended in doubt in the call that told the client of the close. */
  readonly endedInDoubt: number;
  /** Whether the client ended it: then nothing is to be learnt from it about cuts. */
  readonly closedByClient: boolean;
}

/** What one run left behind. */
export interface Evidence {
  readonly accepted: number;
  readonly refused: number;
  /** In the order of the calls. */
  readonly handedBack: readonly HandedBack[];
  /** The stream from its first message to its last, copies too. */
  readonly stored: readonly number[];
  readonly links: readonly LinkEvidence[];
  /** The messages that the proxy forwarded whole, in order; `null` under TLS, where nobody in between can tell. */
  readonly forwarded: readonly number[] | null;
  /** `nc.outbound.counts()` after `close()`. */
  readonly counts: Counts;
}

/** What may be otherwise than in a plain run. */
export interface Allowances {
  /** The server was killed: what it had confirmed may be missing from its stream. */
  readonly serverForgets?: boolean;
  /** The proxy reset the server's end too, so that the server could not read all that was forwarded: that must be in doubt then. */
  readonly serverReset?: boolean;
  /** The states in which messages may be handed back beside `inDoubt`. */
  readonly states?: readonly UndeliveredState[];
}

/** Figures for people. */
export interface Figures {
  readonly accepted: number;
  readonly refused: number;
  readonly stored: number;
  readonly duplicated: number;
  readonly inDoubt: number;
  readonly storedInDoubt: number;
  readonly otherwiseHandedBack: number;
  readonly missing: number;
  readonly links: number;
}

export interface Verdict {
  readonly figures: Figures;
  /** What was against the promise, a sentence each. Empty if all is well. */
  readonly violations: readonly string[];
}

/** Compares everything with everything. Pure; linear in the number of messages. */
export function examine(evidence: Evidence, allowances: Allowances = {}): Verdict {
  const { accepted, refused, handedBack, stored, links } = evidence;
  const all = numbersBelow(accepted);
  const storedSet = new Set(stored);
  const backSet = new Map(handedBack.map(({ number, state }) => [number, state]));
  const inDoubt = handedBack.filter(({ state }) => state === "inDoubt").map(({ number }) => number);
  const missing = all.filter((number) => !storedSet.has(number) && !backSet.has(number));
  const report = new Report();

  if (allowances.serverForgets === true) {
    report.all("lost, and not even confirmed by a server", missing, confirmedOn(links, backSet));
  } else {
    report.none("lost: neither stored nor handed back", missing);
  }
  report.none("stored more than once", repeated(stored));
  report.none("stored out of order", disordered(stored));
  report.none("stored, but never accepted", stored, (number) => !(number < accepted));
  report.none("handed back, but never accepted", [...backSet.keys()], (number) => !(number < accepted));
  report.none("handed back more than once", repeated(handedBack.map(({ number }) => number)));
  report.none("in doubt, handed back out of order", disordered(inDoubt));
  const states = new Set<UndeliveredState>(["inDoubt", ...(allowances.states ?? [])]);
  for (const { number, state } of handedBack) if (!states.has(state)) report.add(`message ${number} ended ${state}`);

  const cannotHaveIt = (number: number): boolean => (backSet.get(number) ?? "inDoubt") !== "inDoubt";
  report.none("stored, and handed back as if the server could not have it", stored, cannotHaveIt);
  checkLinks(report, links, new Set(inDoubt));
  checkForwarded(report, evidence, storedSet, cannotHaveIt, allowances);
  const lastCut = links.findLast((link) => !link.closedByClient);
  const later = lastCut === undefined ? [] : all.slice(lastCut.acceptedAtEnd);
  const fits = (number: number): boolean => (storedSet.has(number) && !backSet.has(number)) || cannotHaveIt(number);
  report.all("accepted after the last cut, and not simply stored", later, fits);
  checkCounts(report, evidence);

  const figures: Figures = {
    accepted,
    refused,
    stored: storedSet.size,
    duplicated: stored.length - storedSet.size,
    inDoubt: inDoubt.length,
    storedInDoubt: inDoubt.filter((number) => storedSet.has(number)).length,
    otherwiseHandedBack: handedBack.length - inDoubt.length,
    missing: missing.length,
    links: links.length,
  };
  return { figures, violations: report.lines };
}

/** Each message in doubt was handed over, to one link only, and all of a link that are in doubt are the last ones it got. */
function checkLinks(report: Report, links: readonly LinkEvidence[], inDoubt: ReadonlySet<number>): void {
  const handedOver = links.flatMap((link) => link.handedOver.map(({ number }) => number));
  report.none("handed over whole to two links", repeated(handedOver));
  const everywhere = new Set(handedOver);
  report.none("in doubt, but handed over to no link", [...inDoubt], (number) => !everywhere.has(number));
  for (const [index, link] of links.entries()) {
    const name = `link ${index + 1}`;
    const first = link.handedOver.findIndex(({ number }) => inDoubt.has(number));
    const doubtful = first < 0 ? [] : link.handedOver.slice(first);
    const gaps = doubtful.map(({ number }) => number);
    report.none(`confirmed on ${name} behind one that is in doubt`, gaps, (number) => !inDoubt.has(number));
    report.none(`in doubt by ${name}, but accepted after its end`, gaps, (number) => number >= link.acceptedAtEnd);
    // A link that the client ends is none of the log's any more.
    if (!link.closedByClient && doubtful.length !== link.endedInDoubt)
      report.add(`${name} left ${doubtful.length} messages in doubt, ${link.endedInDoubt} were counted when it closed`);
    const bytes = doubtful.reduce((sum, { start, end }) => sum + end - start, 0);
    if (doubtful.length > 1 && bytes > link.largestWindow)
      report.add(`${name} left ${bytes} bytes in doubt, its window was never more than ${link.largestWindow}`);
    const { handedAtReset } = link;
    if (handedAtReset === null) continue;
    const late = doubtful.filter(({ start }) => start >= handedAtReset);
    const lateBytes = late.reduce((sum, { start, end }) => sum + end - start, 0);
    if (late.length > 1 && lateBytes > link.chunkBytes) report.add(`${name} was handed ${lateBytes} bytes after the RST`);
  }
}

/** The proxy's record against the rest. What it forwarded whole was handed over, is stored, and ends in no state that denies it. */
function checkForwarded(
  report: Report,
  { forwarded, links }: Evidence,
  stored: ReadonlySet<number>,
  cannotHaveIt: (number: number) => boolean,
  allowances: Allowances,
): void {
  if (forwarded === null) return;
  const handedOver = new Set(links.flatMap((link) => link.handedOver.map(({ number }) => number)));
  const set = new Set(forwarded);
  report.none("forwarded whole twice", repeated(forwarded));
  report.none("forwarded whole, but ended as if the server could not have it", forwarded, cannotHaveIt);
  report.none("forwarded whole, but the client did not know that it had handed it over", forwarded, (n) => !handedOver.has(n));
  report.none("stored, but not forwarded whole", [...stored], (number) => !set.has(number));
  if (allowances.serverForgets !== true && allowances.serverReset !== true) {
    report.none(
      "forwarded whole, but not stored (the server dropped it, or the proxy miscounted)",
      forwarded,
      (n) => !stored.has(n),
    );
  }
}

/** The client's own figures against what it did. */
function checkCounts(report: Report, { accepted, refused, handedBack, counts }: Evidence): void {
  const { confirmed, inFlight, buffered, resent, accepted: ownAccepted, refused: ownRefused, ...ended } = counts;
  const expect = (what: string, found: number, expected: number): void => {
    if (found !== expected) report.add(`counts().${what} is ${found}, not ${expected}`);
  };
  expect("accepted", ownAccepted, accepted);
  expect("refused", ownRefused, refused);
  expect("confirmed", confirmed, accepted - handedBack.length);
  expect("inFlight", inFlight, 0);
  expect("buffered", buffered, 0);
  expect("resent", resent, 0);
  for (const [state, count] of Object.entries(ended))
    expect(state, count, handedBack.filter((message) => message.state === state).length);
}

/** Whether a message was handed over to a link that was cut, and confirmed there: so far the client's word is all we have. */
function confirmedOn(links: readonly LinkEvidence[], back: ReadonlyMap<number, unknown>): (number: number) => boolean {
  const cut = links.filter((link) => !link.closedByClient);
  const handedOver = new Set(cut.flatMap((link) => link.handedOver.map(({ number }) => number)));
  return (number) => handedOver.has(number) && !back.has(number);
}

class Report {
  readonly lines: string[] = [];

  add(line: string): void {
    if (this.lines.length < 50) this.lines.push(line);
  }

  /** No message may be like this. */
  none(what: string, numbers: readonly number[], isSo: (number: number) => boolean = () => true): void {
    const found = numbers.filter(isSo);
    if (found.length > 0) this.add(`${found.length} messages ${what}: ${found.slice(0, 5).join(", ")}`);
  }

  /** Every message of `numbers` must hold. */
  all(what: string, numbers: readonly number[], holds: (number: number) => boolean): void {
    this.none(what, numbers, (number) => !holds(number));
  }
}

function numbersBelow(end: number): number[] {
  return Array.from({ length: end }, (_, number) => number);
}

/** What stands there a second time. */
function repeated(numbers: readonly number[]): number[] {
  const seen = new Set<number>();
  return numbers.filter((number) => seen.size === seen.add(number).size);
}

/** First copies that stand behind a greater number. */
function disordered(numbers: readonly number[]): number[] {
  const seen = new Set<number>();
  let greatest = -1;
  return numbers.filter((number) => {
    if (seen.has(number)) return false;
    seen.add(number);
    const late = number < greatest;
    greatest = Math.max(greatest, number);
    return late;
  });
}

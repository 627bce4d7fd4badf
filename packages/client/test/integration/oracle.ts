/**
 * Judges a run from the outside: what the publisher was told against what the server stored, what the client gave to its links, and what
 * the proxy forwarded. Messages are known by number, 0 up, in the order in which `publish()` accepted them.
 *
 * What "in doubt" has to mean here, precisely. A message was *handed over* to a link when its last byte was part of a chunk given to that
 * link before it closed, and the link does not know better (`Link.unfinished`). A message may end in doubt only if it was handed over, and
 * the link closed before a PONG confirmed it: so whatever was accepted after the client noticed a cut is never in doubt by that cut. What a
 * client hands over between the cut in the proxy and the moment it can notice is in doubt too; after a RST that is at most one chunk.
 */
import type { UndeliveredState } from "../../src/index.ts";
import type { Evidence } from "./delivery-evidence.ts";
import { bytesOf, checkAtLeastOnce, checkAtMostOnce, confirmedOn, unconfirmed } from "./delivery-oracle.ts";
import { disordered, numbersBelow, Report, repeated, surplus } from "./delivery-report.ts";

/** What may be otherwise than in a plain run. */
export interface Allowances {
  /** A server was killed: what it had confirmed may be missing from the stream. */
  readonly serverForgets?: boolean;
  /** A server may read the end of one link behind the beginning of the next: what is in doubt may be stored late. */
  readonly lateDoubt?: boolean;
  /** The links went to several servers: between these there is no order. */
  readonly severalServers?: boolean;
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
  readonly resent: number;
  readonly inDoubt: number;
  readonly storedInDoubt: number;
  /** Bytes of frames that some link was handed and never confirmed. */
  readonly unconfirmedBytes: number;
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
  const { accepted, refused, handedBack, stored, links, counts } = evidence;
  const all = numbersBelow(accepted);
  const storedSet = new Set(stored);
  const backSet = new Map(handedBack.map(({ number, state }) => [number, state]));
  const inDoubt = handedBack.filter(({ state }) => state === "inDoubt").map(({ number }) => number);
  const doubtSet = new Set(inDoubt);
  const missing = all.filter((number) => !storedSet.has(number) && !backSet.has(number));
  const report = new Report();

  if (allowances.serverForgets === true) {
    const confirmed = confirmedOn(links.filter((link) => !link.closedByClient));
    report.all("lost, and not even confirmed by a server", missing, (number) => confirmed.has(number));
  } else {
    report.none("lost: neither stored nor handed back", missing);
  }
  checkOrder(report, evidence, allowances, doubtSet);
  report.none("stored, but never accepted", stored, (number) => !(number < accepted));
  report.none("handed back, but never accepted", [...backSet.keys()], (number) => !(number < accepted));
  report.none("handed back more than once", repeated(handedBack.map(({ number }) => number)));
  report.none("in doubt, handed back out of order", disordered(inDoubt));
  const states = new Set<UndeliveredState>(["inDoubt", ...(allowances.states ?? [])]);
  for (const { number, state } of handedBack) if (!states.has(state)) report.add(`message ${number} ended ${state}`);

  const cannotHaveIt = (number: number): boolean => (backSet.get(number) ?? "inDoubt") !== "inDoubt";
  report.none("stored, and handed back as if the server could not have it", stored, cannotHaveIt);
  if (evidence.delivery === "at-most-once") {
    report.none("stored more than once", repeated(stored));
    checkAtMostOnce(report, links, doubtSet);
  } else {
    if (repeated(stored).length > counts.resent)
      report.add(`${repeated(stored).length} second copies were stored, but only ${counts.resent} messages sent again`);
    checkAtLeastOnce(report, links, { inDoubt: doubtSet, back: new Set(backSet.keys()), resent: counts.resent });
  }
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
    resent: counts.resent,
    inDoubt: inDoubt.length,
    storedInDoubt: inDoubt.filter((number) => storedSet.has(number)).length,
    unconfirmedBytes: links.reduce((sum, link) => sum + bytesOf(unconfirmed(link)), 0),
    otherwiseHandedBack: handedBack.length - inDoubt.length,
    missing: missing.length,
    links: links.length,
  };
  return { figures, violations: report.lines };
}

/** First copies come in the order in which they were accepted, as far as there is one. */
function checkOrder(
  report: Report,
  { stored, links }: Evidence,
  { lateDoubt, severalServers }: Allowances,
  inDoubt: ReadonlySet<number>,
): void {
  const certain = stored.filter((number) => !inDoubt.has(number));
  if (severalServers !== true) {
    report.none("stored out of order", disordered(lateDoubt === true ? certain : stored));
    return;
  }
  const numbers = links.map(({ handedOver }) => handedOver.map(({ number }) => number));
  const twice = new Set(repeated(numbers.flat()));
  for (const [index, ofLink] of numbers.entries()) {
    const own = new Set(ofLink.filter((number) => !twice.has(number)));
    report.none(`of link ${index + 1} stored out of order`, disordered(stored.filter((number) => own.has(number))));
  }
}

/** The proxy's record against the rest. What it forwarded whole was handed over, is stored, and ends in no state that denies it. */
function checkForwarded(
  report: Report,
  { delivery, forwarded, links, stored: copies }: Evidence,
  stored: ReadonlySet<number>,
  cannotHaveIt: (number: number) => boolean,
  allowances: Allowances,
): void {
  if (forwarded === null) return;
  const handed = links.flatMap((link) => link.handedOver.map(({ number }) => number));
  const handedOver = new Set(handed);
  const set = new Set(forwarded);
  if (delivery === "at-most-once") report.none("forwarded whole twice", repeated(forwarded));
  else report.none("forwarded whole more often than handed over", surplus(forwarded, handed));
  report.none("stored more often than forwarded whole", surplus(copies, forwarded), (number) => set.has(number));
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
function checkCounts(report: Report, { delivery, accepted, refused, handedBack, counts }: Evidence): void {
  const { confirmed, inFlight, buffered, resent, accepted: ownAccepted, refused: ownRefused, ...ended } = counts;
  const expect = (what: string, found: number, expected: number): void => {
    if (found !== expected) report.add(`counts().${what} is ${found}, not ${expected}`);
  };
  expect("accepted", ownAccepted, accepted);
  expect("refused", ownRefused, refused);
  expect("confirmed", confirmed, accepted - handedBack.length);
  expect("inFlight", inFlight, 0);
  expect("buffered", buffered, 0);
  if (delivery === "at-most-once") expect("resent", resent, 0);
  for (const [state, count] of Object.entries(ended))
    expect(state, count, handedBack.filter((message) => message.state === state).length);
}

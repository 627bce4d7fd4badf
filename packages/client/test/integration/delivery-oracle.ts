/**
 * The part of the oracle that knows what the two levels of delivery promise of each link. At-most-once: what was handed over and not
 * confirmed is in doubt, nothing else is, and it goes to no other link. At-least-once: the same goes to the next link again, in order and
 * before anything newer, and is in doubt only if the client was closed in between.
 */
import type { LinkEvidence, SentFrame } from "./delivery-evidence.ts";
import { type Report, repeated } from "./delivery-report.ts";

/** What was handed over to a link and has no PONG: only that may be in doubt, or go again. */
export function unconfirmed({ handedOver, confirmed }: LinkEvidence): SentFrame[] {
  return handedOver.filter(({ end }) => end > confirmed);
}

/** All messages that some link has a PONG for. */
export function confirmedOn(links: readonly LinkEvidence[]): Set<number> {
  return new Set(links.flatMap(({ handedOver, confirmed }) => numbersOf(handedOver.filter(({ end }) => end <= confirmed))));
}

/** Each message went to one link, and all that is in doubt went to a link that has no PONG for it. */
export function checkAtMostOnce(report: Report, links: readonly LinkEvidence[], inDoubt: ReadonlySet<number>): void {
  const handedOver = links.flatMap((link) => numbersOf(link.handedOver));
  report.none("handed over whole to two links", repeated(handedOver));
  const everywhere = new Set(handedOver);
  report.none("in doubt, but handed over to no link", [...inDoubt], (number) => !everywhere.has(number));
  report.none("in doubt, although a PONG confirmed it", [...inDoubt], has(confirmedOn(links)));
  for (const [index, link] of links.entries()) {
    const name = `link ${index + 1}`;
    const doubtful = unconfirmed(link);
    const numbers = numbersOf(doubtful);
    report.none(`not confirmed on ${name}, and not in doubt`, numbers, (number) => !inDoubt.has(number));
    // When the client ends a link, its log has let go of it before.
    if (!link.closedByClient) {
      report.none(`in doubt by ${name}, but accepted after its end`, numbers, (number) => number >= link.acceptedAtEnd);
      if (doubtful.length !== link.endedInDoubt)
        report.add(`${name} left ${doubtful.length} messages in doubt, ${link.endedInDoubt} were counted when it closed`);
    }
    checkAmounts(report, name, link, doubtful);
  }
}

/** What the client said of its messages. */
interface Said {
  readonly inDoubt: ReadonlySet<number>;
  /** Handed back in any state. */
  readonly back: ReadonlySet<number>;
  readonly resent: number;
}

/** Each link begins where the one before was confirmed and goes on without a gap; nobody forgets or repeats more than a window. */
export function checkAtLeastOnce(report: Report, links: readonly LinkEvidence[], { inDoubt, back, resent }: Said): void {
  const handedOver = links.flatMap((link) => numbersOf(link.handedOver));
  const again = repeated(handedOver);
  if (again.length !== resent) report.add(`counts().resent is ${resent}, but ${again.length} frames went again`);
  const confirmed = confirmedOn(links);
  report.none("handed over, and neither confirmed nor in doubt", handedOver, (n) => !confirmed.has(n) && !inDoubt.has(n));
  report.none("in doubt, although a PONG confirmed it", [...inDoubt], has(confirmed));
  let next = 0;
  for (const [index, link] of links.entries()) {
    const name = `link ${index + 1}`;
    for (const { number } of link.handedOver) {
      // What expired or was dropped while it waited left a hole.
      while (next < number && back.has(next)) next++;
      if (number !== next) report.add(`${name} was handed message ${number} in place of ${next}`);
      next = number + 1;
    }
    const left = unconfirmed(link);
    next = left[0]?.number ?? next;
    checkAmounts(report, name, link, left);
  }
}

/**
 * Bytes. The model holds the window to the byte; here a TLS link once left 68 640 bytes where a window of 65 536 had been seen, and
 * nobody knows yet whether that is the link's fault or that of its record, which sees the window only when something is written.
 */
export const WINDOW_SLACK: number = 16 * 1024;

/**
 * What a link leaves unconfirmed is a window at most. Not less, when it was cut by RST: on a busy machine the kernel was seen to take more
 * than a chunk after the call that sent it.
 */
function checkAmounts(report: Report, name: string, link: LinkEvidence, left: readonly SentFrame[]): void {
  const bytes = bytesOf(left);
  if (left.length > 1 && bytes > link.largestWindow + WINDOW_SLACK)
    report.add(`${name} left ${bytes} bytes in doubt, its window was never more than ${link.largestWindow}`);
}

function numbersOf(frames: readonly SentFrame[]): number[] {
  return frames.map(({ number }) => number);
}

/** What frames take on the wire. */
export function bytesOf(frames: readonly SentFrame[]): number {
  return frames.reduce((sum, { start, end }) => sum + end - start, 0);
}

function has(set: ReadonlySet<number>): (number: number) => boolean {
  return (number) => set.has(number);
}

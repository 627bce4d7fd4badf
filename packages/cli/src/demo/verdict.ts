import { count } from "./format.ts";
import type { ClientResult, DemoResult } from "./result.ts";

/** 0: Holdfast kept its promise (or took no part). 1: it broke it. 2: the run is invalid. */
export type VerdictCode = 0 | 1 | 2;

/** What follows from a run. */
export interface Verdict {
  readonly exitCode: VerdictCode;
  /** One sentence. */
  readonly sentence: string;
}

/** Judges a run. Only Holdfast can fail it: the official client is there to compare with. */
export function judge(result: DemoResult): Verdict {
  if (!result.valid) {
    return { exitCode: 2, sentence: `This run is invalid and proves nothing: ${result.invalidBecause.join("; ")}.` };
  }
  const holdfast = result.clients.find(({ name }) => name === "holdfast");
  const official = result.clients.find(({ name }) => name === "nats.js");
  const broken = holdfast === undefined ? [] : brokenPromises(holdfast);
  const parts = [
    holdfast === undefined ? "" : describeHoldfast(holdfast, broken),
    official === undefined ? "" : describeOfficial(official),
  ].filter((part) => part !== "");
  return { exitCode: broken.length > 0 ? 1 : 0, sentence: `${capitalize(parts.join("; "))}.` };
}

/** Everything that Holdfast did and must not do, in words. */
function brokenPromises(client: ClientResult): readonly string[] {
  const found = [
    [client.lostSilently, "lost silently"],
    [client.wronglyHandedBack ?? 0, "handed back although stored"],
    [tooManyCopies(client), client.delivery === "at-least-once" ? "stored twice beyond those sent again" : "stored twice"],
    [givenUp(client), "handed back instead of sent again"],
    [client.outOfOrder, "out of order"],
    [client.impossible, "that cannot be (see `impossible` in --json)"],
  ] as const;
  const broken = found.filter(([messages]) => messages > 0).map(([messages, what]) => `${count(messages, "message")} ${what}`);
  return client.countsAgree === false ? [...broken, "counts that differ from what was observed"] : broken;
}

/** At-least-once may store a second copy of what it sent again, and no other. */
function tooManyCopies(client: ClientResult): number {
  const allowed = client.delivery === "at-least-once" ? (client.resent ?? 0) : 0;
  return Math.max(0, client.duplicated - allowed);
}

/** At-least-once has no reason to hand anything back in this run, unless the server could not be reached until the end. */
function givenUp(client: ClientResult): number {
  return client.delivery === "at-least-once" && client.flush.kind !== "timed out" ? (client.handedBack ?? 0) : 0;
}

function describeHoldfast(client: ClientResult, broken: readonly string[]): string {
  if (broken.length > 0) return `Holdfast broke its promise: ${broken.join(", ")}`;
  const told = [
    client.resent === 0 ? "" : `${count(client.resent ?? 0)} sent again of which ${count(client.duplicated)} are stored twice`,
    client.handedBack === 0 ? "" : `${count(client.handedBack ?? 0)} handed back${describeDoubt(client)}`,
    client.refused === 0 ? "" : `${count(client.refused)} refused with an error`,
    client.confirmedThenLost === 0 ? "" : `${count(client.confirmedThenLost ?? 0)} confirmed and then lost in the server`,
  ].filter((part) => part !== "");
  const rest = told.length === 0 ? "" : `, ${told.join(", ")}`;
  return `Holdfast lost nothing silently: of ${count(client.attempted, "message")}, ${count(client.stored)} stored in order${rest}`;
}

function describeDoubt(client: ClientResult): string {
  const doubt = client.inDoubt === client.handedBack ? " as in doubt" : ` (${count(client.inDoubt ?? 0)} of them in doubt)`;
  // Without this the numbers seem not to add up: a message in doubt may be stored.
  return client.storedInDoubt === 0 ? doubt : `${doubt} of which ${count(client.storedInDoubt ?? 0)} are stored`;
}

function describeOfficial(client: ClientResult): string {
  const lost = client.lostSilently === 0 ? "nothing" : count(client.lostSilently);
  return `the official client lost ${lost} of its ${count(client.attempted, "message")} without an error`;
}

function capitalize(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

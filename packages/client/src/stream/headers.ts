import { InvalidArgumentError, type MsgHdrs, headers as makeHeaders } from "@nats-io/nats-core";
import type { ScheduleOptions, StreamPublishOptions } from "./options.ts";

/** By this header a stream tells a second copy of a message from a new one. */
export const MSG_ID = "Nats-Msg-Id";

/**
 * The headers of a message: the caller's, and those that its options stand for. Undefined when there are none. A copy where there is
 * anything to add, because what the caller passed is never written to; else the caller's own, to be read before `publish()` returns.
 */
export function streamHeaders(subject: string, options: StreamPublishOptions): MsgHdrs | undefined {
  const added = addedHeaders(subject, options);
  if (added.length === 0) return options.headers === undefined ? undefined : copyHeaders(options.headers);
  const all = copyHeaders(options.headers);
  for (const [name, value] of added) all.set(name, value);
  return all;
}

/** A copy, to which more may be added. */
export function copyHeaders(from: MsgHdrs | undefined): MsgHdrs {
  const copy = makeHeaders();
  for (const [name, values] of from ?? []) for (const value of values) copy.append(name, value);
  return copy;
}

function addedHeaders(subject: string, options: StreamPublishOptions): [string, string][] {
  const { msgID, expect = {}, ttl, schedule, cancelSchedule } = options;
  const added: [string, string | number | undefined][] = [
    [MSG_ID, msgID],
    ["Nats-Expected-Last-Msg-Id", expect.lastMsgID],
    ["Nats-Expected-Stream", expect.streamName],
    ["Nats-Expected-Last-Sequence", expect.lastSequence],
    ["Nats-Expected-Last-Subject-Sequence", expect.lastSubjectSequence],
    ["Nats-Expected-Last-Subject-Sequence-Subject", expect.lastSubjectSequenceSubject],
    ["Nats-TTL", ttl],
  ];
  if (schedule !== undefined) added.push(...scheduleHeaders(schedule));
  if (cancelSchedule !== undefined) added.push(...cancelHeaders(subject, options));
  return added.flatMap(([name, value]) => (value === undefined || value === "" ? [] : [[name, String(value)]]));
}

function scheduleHeaders(schedule: ScheduleOptions): [string, string | undefined][] {
  return [
    ["Nats-Schedule", specificationOf(schedule.specification)],
    ["Nats-Schedule-Target", schedule.target],
    ["Nats-Schedule-Source", schedule.source],
    ["Nats-Schedule-TTL", schedule.ttl],
    ["Nats-Schedule-Time-Zone", schedule.timezone],
    ["Nats-Schedule-Rollup", schedule.rollup],
  ];
}

/** Ends a schedule with the message that is stored. On the schedule's own subject it would end itself. */
function cancelHeaders(subject: string, { schedule, cancelSchedule }: StreamPublishOptions): [string, string][] {
  const { scheduleSubject = "" } = cancelSchedule ?? {};
  if (schedule !== undefined) throw InvalidArgumentError.format("cancelSchedule", "must not be given together with schedule");
  if (scheduleSubject === subject) {
    throw InvalidArgumentError.format("cancelSchedule.scheduleSubject", "must not be the subject of the message");
  }
  return [
    ["Nats-Scheduler", scheduleSubject],
    ["Nats-Schedule-Next", "purge"],
  ];
}

function specificationOf(specification: ScheduleOptions["specification"]): string {
  if (typeof specification === "string") return specification;
  if ("toISOString" in specification) return `@at ${specification.toISOString()}`;
  if ("at" in specification) {
    const { at } = specification;
    return `@at ${typeof at === "string" ? at : at.toISOString()}`;
  }
  if ("every" in specification) return `@every ${specification.every}`;
  return "cron" in specification ? specification.cron : specification.predefined;
}

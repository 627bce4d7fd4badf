import { setTimeout as sleep } from "node:timers/promises";
import { type HoldfastConnection, headers, type Msg, type MsgHdrs } from "holdfast";
import { exitCodes } from "../cli/exit-codes.ts";
import { print, tell } from "../cli/terminal.ts";
import { openConnection, tellOfOutages } from "../connection/open.ts";
import { oneLine } from "../demo/time-limit.ts";
import { show } from "../messages/show.ts";
import { fillTemplate } from "../messages/templates.ts";
import type { ReplyOptions } from "./command.ts";

/** One run of `holdfast reply`; resolves with its exit code. */
export async function runReply(options: ReplyOptions, interrupted: AbortSignal): Promise<number> {
  let undelivered = 0;
  const onUndelivered = (batch: readonly unknown[]): void => {
    undelivered += batch.length;
  };
  const nc = await openConnection(options.server, { onUndelivered }, interrupted);
  const say = tellOfOutages(nc);
  try {
    const answered = await answerRequests(nc, options, interrupted);
    await nc.drain();
    if (undelivered > 0) tell(`holdfast: ${undelivered} answers were not delivered`);
    return answered >= options.count && undelivered === 0 ? exitCodes.done : exitCodes.notDone;
  } catch (error) {
    if (!interrupted.aborted) say(`holdfast: ${oneLine(error)}`);
    return exitCodes.notDone;
  } finally {
    await nc.close();
  }
}

async function answerRequests(nc: HoldfastConnection, options: ReplyOptions, interrupted: AbortSignal): Promise<number> {
  const { subject, queue } = options;
  const subscription = nc.subscribe(subject, { queue });
  interrupted.addEventListener("abort", () => subscription.unsubscribe(), { once: true });
  await nc.flush();
  if (!subscription.isClosed()) tell(`Listening on ${JSON.stringify(subject)} in group ${JSON.stringify(queue)}`);
  let received = 0;
  for await (const msg of subscription) {
    await print(show(msg, options.as, `[#${received}] Received on subject ${JSON.stringify(msg.subject)}:`));
    if (options.sleepMs > 0) await sleep(Math.random() * options.sleepMs);
    answer(msg, options, received);
    received += 1;
    if (received >= options.count) break;
  }
  return received;
}

function answer(msg: Msg, options: ReplyOptions, number: number): void {
  const all = answerHeaders(msg, options, number);
  const data = options.data === null ? msg.data : filled(options, msg, number);
  // False: it was no request. The nats tool tells of it, too.
  if (!msg.respond(data, all === undefined ? {} : { headers: all })) tell(`holdfast: message ${number} wants no answer`);
}

/** Of an echo the request's own, and the counter that the `nats` tool adds. */
function answerHeaders(msg: Msg, options: ReplyOptions, number: number): MsgHdrs | undefined {
  if (options.data !== null) return options.headers;
  const all = headers();
  for (const some of [options.headers, msg.headers]) {
    for (const [name, values] of some ?? []) for (const value of values) all.append(name, value);
  }
  all.append("NATS-Reply-Counter", String(number));
  return all;
}

function filled({ data, templates }: ReplyOptions, msg: Msg, number: number): string {
  return templates ? fillTemplate(data ?? "", number, msg.string()) : (data ?? "");
}

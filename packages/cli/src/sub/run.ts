import { createInbox, type HoldfastConnection, type Msg, type Subscription } from "holdfast";
import { exitCodes } from "../cli/exit-codes.ts";
import { print, tell } from "../cli/terminal.ts";
import { openConnection, tellOfOutages } from "../connection/open.ts";
import { oneLine } from "../demo/time-limit.ts";
import { show } from "../messages/show.ts";
import type { SubOptions } from "./command.ts";

/** One run of `holdfast sub`; resolves with its exit code. */
export async function runSub(options: SubOptions, interrupted: AbortSignal): Promise<number> {
  const nc = await openConnection(options.server, {}, interrupted);
  const end = (): void => void nc.close();
  interrupted.addEventListener("abort", end, { once: true });
  const say = tellOfOutages(nc);
  try {
    return await printMessages(nc, options);
  } catch (error) {
    // A connection that was closed for a signal ends everything with an error.
    if (interrupted.aborted) return exitCodes.notDone;
    say(`holdfast: ${oneLine(error)}`);
    return exitCodes.notDone;
  } finally {
    interrupted.removeEventListener("abort", end);
    await nc.close();
  }
}

async function printMessages(nc: HoldfastConnection, options: SubOptions): Promise<number> {
  const subject = options.subject ?? createInbox(options.server.inboxPrefix ?? "_INBOX");
  const subscription = nc.subscribe(subject, options.queue === null ? {} : { queue: options.queue });
  await nc.flush();
  const group = options.queue === null ? "" : ` in group ${JSON.stringify(options.queue)}`;
  // A refusal came before the PONG, and is told when the messages end.
  if (!subscription.isClosed()) tell(`Subscribing on ${JSON.stringify(subject)}${group}`);
  const idle = new Idle(subscription, options.waitMs);
  let received = 0;
  for await (const msg of subscription) {
    received += 1;
    idle.restart();
    await print(show(msg, options.as, heading(msg, received), options.headersOnly));
    if (received >= options.count) break;
  }
  idle.stop();
  return received >= options.count || (options.waitMs !== null && options.count === Number.POSITIVE_INFINITY)
    ? exitCodes.done
    : exitCodes.notDone;
}

function heading(msg: Msg, number: number): string {
  const reply = msg.reply === undefined || msg.reply === "" ? "" : ` with reply ${JSON.stringify(msg.reply)}`;
  return `[#${number}] Received on ${JSON.stringify(msg.subject)}${reply}`;
}

/** Ends a subscription after a while without a message. */
class Idle {
  readonly #subscription: Subscription;
  readonly #ms: number | null;
  #timer: NodeJS.Timeout | undefined;

  constructor(subscription: Subscription, ms: number | null) {
    this.#subscription = subscription;
    this.#ms = ms;
    this.restart();
  }

  restart(): void {
    this.stop();
    if (this.#ms !== null) this.#timer = setTimeout(() => this.#subscription.unsubscribe(), this.#ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

import { type HoldfastConnection, type Msg, RequestError, TimeoutError } from "holdfast";
import { exitCodes } from "../cli/exit-codes.ts";
import { print, tell } from "../cli/terminal.ts";
import { openConnection, tellOfOutages } from "../connection/open.ts";
import { oneLine } from "../demo/time-limit.ts";
import { show } from "../messages/show.ts";
import { fillTemplate } from "../messages/templates.ts";
import { bytesInput } from "../pub/input.ts";
import type { ReqOptions } from "./command.ts";

/** One run of `holdfast req`; resolves with its exit code. */
export async function runReq(options: ReqOptions, interrupted: AbortSignal): Promise<number> {
  const stdin = options.data === null ? await wholeInput(interrupted) : null;
  const nc = await openConnection(options.server, {}, interrupted);
  const end = (): void => void nc.close();
  interrupted.addEventListener("abort", end, { once: true });
  const say = tellOfOutages(nc);
  try {
    let answered = true;
    for (let number = 1; number <= options.count && !interrupted.aborted; number++) {
      answered = (await requestOnce(nc, options, stdin ?? dataOf(options, number))) && answered;
    }
    return answered ? exitCodes.done : exitCodes.notDone;
  } catch (error) {
    if (!interrupted.aborted) say(`holdfast: ${explain(options, error)}`);
    return exitCodes.notDone;
  } finally {
    interrupted.removeEventListener("abort", end);
    await nc.close();
  }
}

/** Whether it was answered, as often as was asked for. */
async function requestOnce(nc: HoldfastConnection, options: ReqOptions, data: Uint8Array): Promise<boolean> {
  const begin = performance.now();
  const { subject, replies, as } = options;
  if (as === "text") tell(`Sending request on ${JSON.stringify(subject)}`);
  const headers = options.headers === undefined ? {} : { headers: options.headers };
  let received = 0;
  for await (const answer of answers(nc, options, data, headers)) {
    received += 1;
    await print(show(answer, as, `Received with rtt ${(performance.now() - begin).toFixed(3)}ms`));
  }
  if (received > 0 && (received >= replies || replies === Number.POSITIVE_INFINITY)) return true;
  tell(
    `holdfast: ${received} of ${replies === Number.POSITIVE_INFINITY ? "any number of" : replies} answers came in time (--timeout, --reply-timeout)`,
  );
  return false;
}

/** One answer by the plain way, which tells at once when nobody listens. */
async function* answers(
  nc: HoldfastConnection,
  { subject, replies, replyTimeoutMs, server }: ReqOptions,
  data: Uint8Array,
  headers: { readonly headers?: NonNullable<ReqOptions["headers"]> },
): AsyncGenerator<Msg, void, void> {
  const timeout = server.timeoutMs;
  if (replies === 1) {
    yield await nc.request(subject, data, { timeout, ...headers });
    return;
  }
  const isCounted = replies !== Number.POSITIVE_INFINITY;
  const many = await nc.requestMany(subject, data, {
    strategy: isCounted ? "stall" : "timer",
    maxWait: timeout,
    stall: replyTimeoutMs,
    ...headers,
  });
  let received = 0;
  for await (const answer of many) {
    yield answer;
    received += 1;
    if (received >= replies) return;
  }
}

function dataOf({ data, templates }: ReqOptions, number: number): Uint8Array {
  return new TextEncoder().encode(templates ? fillTemplate(data ?? "", number) : (data ?? ""));
}

async function wholeInput(interrupted: AbortSignal): Promise<Uint8Array> {
  const input = bytesInput({ subject: "" }, ["-"], "whole", 1, "standard input");
  for await (const [first] of input.batches(interrupted)) if (first !== undefined) return first.data;
  return new Uint8Array(0);
}

function explain({ subject, server }: ReqOptions, error: unknown): string {
  if (error instanceof RequestError && error.isNoResponders()) return `no answer: nobody listens on ${JSON.stringify(subject)}`;
  if (error instanceof TimeoutError)
    return `no answer on ${JSON.stringify(subject)} within ${server.timeoutMs} ms: raise --timeout`;
  return oneLine(error);
}

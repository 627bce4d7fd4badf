import type { HoldfastConnection, HoldfastOptions, Undelivered } from "holdfast";
import { tell } from "../cli/terminal.ts";
import { openConnection, tellOfOutages } from "../connection/open.ts";
import { seconds } from "../demo/format.ts";
import { oneLine } from "../demo/time-limit.ts";
import { CoreOutlet } from "./core-outlet.ts";
import type { PubOptions } from "./options.ts";
import { type OnUndelivered, type Outlet, StoppedError } from "./outlet.ts";
import { Pacer } from "./pacer.ts";
import { startPatience } from "./patience.ts";
import { type ProgressView, startProgress } from "./progress.ts";
import { exitCodeOf, lastLine, type PubEnd, reportObject } from "./report.ts";
import { checkStream } from "./stream-check.ts";
import { StreamOutlet } from "./stream-outlet.ts";
import { UndeliveredFile } from "./undelivered-file.ts";

/** `close()` has nothing to send any more: what is held was waited for before, as long as was asked. */
const closeTimeoutMs = 250;

/** One run of `holdfast pub`; resolves with its exit code. Rejects, with one line, when it has not begun. */
export async function runPub(options: PubOptions, interrupted: AbortSignal): Promise<number> {
  const file = options.undelivered === null ? null : new UndeliveredFile(options.undelivered);
  try {
    const end = await publishAll(options, file, interrupted);
    if (!options.quiet || hasFailed(end, interrupted)) tell(lastLine(end));
    if (options.json) process.stdout.write(`${JSON.stringify(reportObject(end))}\n`);
    return exitCodeOf(end);
  } finally {
    file?.close();
  }
}

/** Something that the counts do not tell: it is said also with --quiet. */
function hasFailed({ stopped, undelivered }: PubEnd, interrupted: AbortSignal): boolean {
  return (stopped !== null && !interrupted.aborted) || (undelivered?.failure ?? null) !== null;
}

async function publishAll(options: PubOptions, file: UndeliveredFile | null, interrupted: AbortSignal): Promise<PubEnd> {
  const { nc, outlet } = await openOutlet(options, file, interrupted);
  const fed: Fed = { messages: 0 };
  const patience = startPatience(interrupted, options.graceMs, options.flushTimeoutMs);
  const progress = startProgress(options.progress && !options.quiet, () => viewOf(nc, outlet, options, fed));
  const onInterrupt = (): void => progress.note(interruptedLine(options.graceMs));
  if (!options.quiet) interrupted.addEventListener("abort", onInterrupt, { once: true });
  if (!options.quiet) tellOfOutages(nc, (line) => progress.note(line));
  const begin = performance.now();
  try {
    const stopped = await feed(options, outlet, fed, interrupted);
    patience.atEnd();
    await outlet.finish(patience.signal);
    return {
      counts: outlet.counts(),
      jetStream: options.jetStream,
      stopped,
      undelivered: file === null ? null : { path: file.path, written: file.written, failure: file.failure },
      seconds: (performance.now() - begin) / 1000,
    };
  } finally {
    interrupted.removeEventListener("abort", onInterrupt);
    progress.stop();
    patience.release();
  }
}

/** The connection, and what publishes on it. Rejects when nothing can be published. */
async function openOutlet(
  options: PubOptions,
  file: UndeliveredFile | null,
  interrupted: AbortSignal,
): Promise<{ readonly nc: HoldfastConnection; readonly outlet: Outlet }> {
  const onUndelivered: OnUndelivered = (messages) =>
    file?.add(
      messages.map(([draft, state, reason, ageMs]) => [
        draft,
        { state, ...(reason === null ? {} : { error: reason }), ageMs: Math.round(ageMs) },
      ]),
    );
  // Of a stream's messages the connection hands back copies, which are sent again.
  let core: CoreOutlet | undefined;
  const extra = { ...connectionOptions(options), onUndelivered: (batch: readonly Undelivered[]) => core?.handedBack(batch) };
  const nc = await openConnection(options.server, extra, interrupted);
  if (!options.jetStream) {
    core = new CoreOutlet(nc, options, onUndelivered);
    return { nc, outlet: core };
  }
  try {
    if (options.subject !== null) await checkStream(nc, options.subject, options.server);
    return { nc, outlet: new StreamOutlet(nc, options, onUndelivered) };
  } catch (error) {
    await nc.close();
    throw error;
  }
}

/** How many messages the input has given so far. */
interface Fed {
  messages: number;
}

/** Publishes the input; says why not to its end, or null. */
async function feed({ input, intervalMs }: PubOptions, outlet: Outlet, fed: Fed, signal: AbortSignal): Promise<string | null> {
  const pacer = new Pacer(intervalMs);
  try {
    for await (const batch of input.batches(signal)) {
      fed.messages += batch.length;
      for (const draft of batch) {
        await pacer.next(signal);
        const waiting = outlet.publish(draft, signal);
        if (waiting !== undefined) await waiting;
        if (signal.aborted) return "interrupted";
      }
      // Timers and sockets must have their turn also when nothing waits.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    return signal.aborted ? "interrupted" : null;
  } catch (error) {
    if (signal.aborted) return "interrupted";
    return error instanceof StoppedError ? error.message : oneLine(error);
  }
}

function interruptedLine(graceMs: number): string {
  return `holdfast: interrupted: what is held is sent for at most ${seconds(graceMs)} (--grace); once more ends at once`;
}

function connectionOptions(options: PubOptions): HoldfastOptions {
  const { buffer } = options;
  return {
    reconnectBuffer: options.holdsWhileDown
      ? {
          maxBytes: buffer.bytes,
          maxMessages: buffer.messages,
          maxAge: buffer.maxAge,
          whenFull: options.whenFull === "wait" ? "error" : options.whenFull,
        }
      : false,
    // The same on a healthy connection: memory must not grow with the input.
    maxQueued: { maxBytes: buffer.bytes, maxMessages: buffer.messages },
    delivery: options.delivery,
    closeTimeout: closeTimeoutMs,
    retryOnFailedConnect: options.retryOnFailedConnect,
    ...(options.maxInFlight === undefined ? {} : { maxInFlight: options.maxInFlight }),
    ...(options.stallTimeoutMs === undefined ? {} : { stallTimeout: options.stallTimeoutMs }),
    ...(options.reconnectWaitMs === undefined ? {} : { reconnectTimeWait: options.reconnectWaitMs }),
    ...(options.backlogDelayMs === undefined ? {} : { backlogDelay: options.backlogDelayMs }),
  };
}

function viewOf(nc: HoldfastConnection, outlet: Outlet, options: PubOptions, fed: Fed): ProgressView {
  const counts = outlet.counts();
  const read = options.input.fraction();
  // Input comes in large pieces, and what was read is not yet delivered.
  const fraction = read === null || fed.messages === 0 ? read : (read * (counts.taken - counts.held)) / fed.messages;
  return { counts, fraction, isConnected: nc.outbound.usable, limitBytes: options.buffer.bytes };
}

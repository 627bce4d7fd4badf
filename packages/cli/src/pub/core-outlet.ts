import { setTimeout as sleep } from "node:timers/promises";
import {
  ClosedConnectionError,
  DrainingConnectionError,
  type HoldfastConnection,
  ReconnectBufferFullError,
  type Undelivered,
} from "holdfast";
import { oneLine } from "../demo/time-limit.ts";
import type { Draft } from "../messages/record.ts";
import type { PubOptions } from "./options.ts";
import { givenUp, type OnUndelivered, type Outlet, type OutletCounts, StoppedError } from "./outlet.ts";

/** How often it looks whether everything has ended: a flush alone would wait for a server also when nothing is held any more. */
const lookMs = 25;
/** How long the listener may take to hand back what the end of the connection left. */
const handbackMs = 60_000;

/** Publishes to the server: confirmed means that the server has read it. */
export class CoreOutlet implements Outlet {
  readonly #options: Pick<PubOptions, "whenFull" | "msgIds">;
  readonly #onUndelivered: OnUndelivered;
  readonly #nc: HoldfastConnection;
  #refused = 0;
  #handedBack = 0;

  constructor(nc: HoldfastConnection, options: Pick<PubOptions, "whenFull" | "msgIds">, onUndelivered: OnUndelivered) {
    this.#nc = nc;
    this.#options = options;
    this.#onUndelivered = onUndelivered;
  }

  publish(draft: Draft, signal: AbortSignal): Promise<void> | undefined {
    const { subject, data, reply, headers } = draft;
    try {
      const isRoomy = this.#nc.publish(subject, data, {
        ...(reply === undefined ? {} : { reply }),
        ...(headers === undefined ? {} : { headers }),
        ...(this.#options.msgIds ? { msgId: "auto" } : {}),
      });
      return isRoomy ? undefined : this.#room(signal);
    } catch (error) {
      return this.#notTaken(draft, error, signal);
    }
  }

  /** The connection's `onUndelivered`. */
  handedBack(batch: readonly Undelivered[]): void {
    this.#handedBack += batch.length;
    this.#onUndelivered(
      batch.map((ended) => [ended, ended.state, ended.error === undefined ? null : oneLine(ended.error), ended.ageMs]),
    );
  }

  counts(): OutletCounts {
    const counts = this.#nc.outbound.counts();
    const held = this.#nc.outbound.held;
    return {
      taken: counts.accepted + this.#refused,
      sent: counts.confirmed + counts.rejected + counts.inDoubt + counts.inFlight,
      confirmed: counts.confirmed,
      inDoubt: counts.inDoubt,
      rejected: counts.rejected,
      unsent: counts.dropped + counts.expired + counts.undeliverable + counts.abandoned,
      refused: this.#refused,
      held: held.messages,
      heldBytes: held.bytes,
      resent: counts.resent,
      duplicates: null,
    };
  }

  async finish(signal: AbortSignal): Promise<void> {
    await this.#settled(signal);
    await this.#nc.close();
    const { inDoubt, rejected, unsent } = this.counts();
    const giveUp = performance.now() + handbackMs;
    while (this.#handedBack < inDoubt + rejected + unsent && performance.now() < giveUp) await sleep(1);
  }

  async #settled(signal: AbortSignal): Promise<void> {
    // A flush is answered at once; but without a server it waits for one also when everything has expired. What it rejects with stands
    // in the counts.
    const flushed = this.#nc.flush({ signal }).catch(() => {});
    await Promise.race([flushed, this.#nothingHeld(signal)]);
    await this.#nothingHeld(signal);
  }

  async #nothingHeld(signal: AbortSignal): Promise<void> {
    while (this.#nc.outbound.held.messages > 0 && !signal.aborted) await sleep(lookMs);
  }

  /** More than 70 % of the limit is held. */
  async #room(signal: AbortSignal): Promise<void> {
    const { outbound } = this.#nc;
    if (this.#options.whenFull === "wait") return await outbound.writable({ signal });
    // A healthy connection takes less than a file gives: that is no reason to refuse or to drop. Without one it is, as asked.
    const patience = new AbortController();
    const waiting = outbound.writable({ signal: patience.signal }).then(
      () => true,
      () => false,
    );
    try {
      while (outbound.usable && !signal.aborted) {
        if (await Promise.race([waiting, sleep(lookMs, false)])) return;
        if (this.#nc.isClosed()) return;
      }
    } finally {
      patience.abort();
    }
  }

  #notTaken(draft: Draft, error: unknown, signal: AbortSignal): Promise<void> | undefined {
    if (error instanceof ClosedConnectionError || error instanceof DrainingConnectionError) return this.#givenUp();
    if (error instanceof ReconnectBufferFullError && error.asked.bytes <= largest(error)) {
      if (this.#options.whenFull === "wait") return this.#publishLater(draft, signal);
      this.#refuse(draft, error);
      if (this.#options.whenFull === "error") return Promise.reject(new StoppedError(`the buffer is full (${fullness(error)})`));
      return undefined;
    }
    this.#refuse(draft, error);
    return undefined;
  }

  async #publishLater(draft: Draft, signal: AbortSignal): Promise<void> {
    await this.#nc.outbound.writable({ signal });
    await this.publish(draft, signal);
  }

  async #givenUp(): Promise<never> {
    throw await givenUp(this.#nc);
  }

  #refuse(draft: Draft, error: unknown): void {
    this.#refused += 1;
    this.#onUndelivered([[draft, "refused", oneLine(error), 0]]);
  }
}

/** What fits at all. With --no-buffer the limit is zero while there is no connection, and another one afterwards. */
function largest({ limit }: ReconnectBufferFullError): number {
  return limit.bytes === 0 ? Number.POSITIVE_INFINITY : limit.bytes;
}

function fullness({ limit, held }: ReconnectBufferFullError): string {
  if (limit.bytes === 0) return "there is no connection, and --no-buffer holds nothing";
  return `${held.messages} messages of ${held.bytes} bytes are held: raise --buffer-bytes or --buffer-messages, or use --when-full wait`;
}

import {
  type HoldfastConnection,
  JetStreamApiError,
  type MsgHdrs,
  headers as newHeaders,
  nuid,
  type PubAck,
  publishToStream,
  StreamPublishError,
  type StreamPublisher,
} from "holdfast";
import { oneLine } from "../demo/time-limit.ts";
import type { Draft } from "../messages/record.ts";
import type { PubOptions } from "./options.ts";
import { givenUp, type OnUndelivered, type Outlet, type OutletCounts } from "./outlet.ts";

/** What a publisher may have unacknowledged at most; the library's limits. */
const mostOutstanding = 65_536;
/** When the waiting is over nothing is waited for. */
const atOnce = 1;
const msgIdHeader = "Nats-Msg-Id";

/** Publishes into a stream: confirmed means that the stream has stored it. Each message has a `Nats-Msg-Id` that stays the same. */
export class StreamOutlet implements Outlet {
  readonly #nc: HoldfastConnection;
  readonly #publisher: StreamPublisher;
  readonly #onUndelivered: OnUndelivered;
  readonly #idPrefix = `${nuid.next()}-`;
  #taken = 0;
  #stored = 0;
  #duplicates = 0;
  #inDoubt = 0;
  #rejected = 0;
  #unsent = 0;
  #refused = 0;
  #heldBytes = 0;

  constructor(nc: HoldfastConnection, options: PubOptions, onUndelivered: OnUndelivered) {
    const { buffer, server } = options;
    this.#nc = nc;
    this.#onUndelivered = onUndelivered;
    this.#publisher = publishToStream(nc, {
      timeout: server.timeoutMs,
      maxOutstandingBytes: buffer.bytes,
      ...(Number.isFinite(buffer.messages) ? { maxOutstanding: Math.min(buffer.messages, mostOutstanding) } : {}),
      ...(server.inboxPrefix === undefined ? {} : { inboxPrefix: server.inboxPrefix }),
      ...apiOf(server),
    });
  }

  publish(draft: Draft, signal: AbortSignal): Promise<void> | undefined {
    if (this.#publisher.writable) return this.#publish(draft);
    return this.#publishLater(draft, signal);
  }

  counts(): OutletCounts {
    const held = this.#publisher.outstanding;
    return {
      taken: this.#taken,
      sent: this.#taken - this.#unsent - this.#refused,
      confirmed: this.#stored,
      inDoubt: this.#inDoubt,
      rejected: this.#rejected,
      unsent: this.#unsent,
      refused: this.#refused,
      held,
      heldBytes: this.#heldBytes,
      resent: 0,
      duplicates: this.#duplicates,
    };
  }

  async finish(signal: AbortSignal): Promise<void> {
    const over = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    await Promise.race([this.#publisher.flush(), over]);
    await this.#publisher.close({ timeout: atOnce });
    await this.#nc.close();
  }

  async #publishLater(draft: Draft, signal: AbortSignal): Promise<void> {
    try {
      await this.#publisher.ready({ signal });
    } catch (error) {
      throw signal.aborted ? error : await givenUp(this.#nc);
    }
    this.#publish(draft);
  }

  #publish(draft: Draft): undefined {
    const { subject, data, headers } = draft;
    this.#taken += 1;
    this.#heldBytes += data.length;
    const begin = performance.now();
    const msgID = headers?.get(msgIdHeader) || `${this.#idPrefix}${this.#taken}`;
    this.#publisher.publish(subject, data, { msgID, ...(headers === undefined ? {} : { headers }) }).then(
      (ack) => this.#acknowledged(draft, ack),
      (error: unknown) => this.#failed(draft, msgID, error, performance.now() - begin),
    );
  }

  #acknowledged({ data }: Draft, ack: PubAck): void {
    this.#heldBytes -= data.length;
    this.#stored += 1;
    if (ack.duplicate) this.#duplicates += 1;
  }

  #failed(draft: Draft, msgID: string, error: unknown, ageMs: number): void {
    this.#heldBytes -= draft.data.length;
    const state = this.#count(error);
    // With its id: published again within the stream's window it is not stored twice.
    this.#onUndelivered([[{ ...draft, headers: withId(draft.headers, msgID) }, state, oneLine(error), ageMs]]);
  }

  #count(error: unknown): string {
    if (error instanceof JetStreamApiError && error.state === "notStored") {
      this.#rejected += 1;
      return "rejected";
    }
    if (error instanceof JetStreamApiError || (error instanceof StreamPublishError && error.state === "inDoubt")) {
      this.#inDoubt += 1;
      return "inDoubt";
    }
    if (error instanceof StreamPublishError) {
      this.#unsent += 1;
      return "notStored";
    }
    this.#refused += 1;
    return "refused";
  }
}

function apiOf({ jetStreamApiPrefix, jetStreamDomain }: PubOptions["server"]): { apiPrefix?: string; domain?: string } {
  if (jetStreamApiPrefix !== undefined) return { apiPrefix: jetStreamApiPrefix };
  return jetStreamDomain === undefined ? {} : { domain: jetStreamDomain };
}

function withId(headers: MsgHdrs | undefined, msgID: string): MsgHdrs {
  const all = newHeaders();
  for (const [name, values] of headers ?? []) for (const value of values) all.append(name, value);
  all.set(msgIdHeader, msgID);
  return all;
}

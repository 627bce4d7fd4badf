import { ClosedConnectionError } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../../src/client/connection.ts";
import type { OutboundOptions } from "../../src/options.ts";
import type { OutboundEvent } from "../../src/outbound/events.ts";
import { isHigh, isLow } from "./schedule-admission.ts";
import { Outcome } from "./schedule-outcome.ts";

/** What the client tells producers: the events of `nc.outbound.events()` in turn, and `writable()`. */
export class Pressure {
  readonly #options: OutboundOptions;
  readonly #fail: (what: string) => void;
  /** From `high` or `full` to `low`. */
  #episode: { isHigh: boolean; isFull: boolean } | undefined;
  #highs = 0;
  /** How many `high` had been told when `publish()` returned false outside of an episode. */
  #warnedAt: number | undefined;
  #backlogs = 0;
  #stalls = 0;
  #waiting: Outcome<void>[] = [];
  #isRead = false;

  constructor(options: OutboundOptions, fail: (what: string) => void) {
    this.#options = options;
    this.#fail = fail;
  }

  get pending(): number {
    return this.#waiting.length + (this.#isRead ? 1 : 0);
  }

  /** Connections that were given up by the stall rule, as the client tells. */
  get stalls(): number {
    return this.#stalls;
  }

  follow(nc: HoldfastConnection): void {
    this.#isRead = true;
    const read = async (): Promise<void> => {
      for await (const event of nc.outbound.events()) this.#event(event, nc);
      this.#isRead = false;
    };
    read().catch((error: unknown) => this.#fail(`events(): ${error}`));
  }

  writable(nc: HoldfastConnection): void {
    this.#waiting.push(new Outcome(nc.outbound.writable()));
  }

  /** `publish()` returned false because so much is held. */
  warned(): void {
    if (this.#episode?.isHigh !== true) this.#warnedAt ??= this.#highs;
  }

  /** When nothing is due. */
  check(nc: HoldfastConnection): void {
    if (this.#warnedAt !== undefined && this.#highs === this.#warnedAt)
      this.#fail("publish() returned false, and no `high` was told");
    this.#warnedAt = undefined;
    const { held, usable } = nc.outbound;
    const isOver = nc.isClosed();
    if (this.#episode !== undefined && !isOver && usable && isLow(this.#options, held) && this.#episode.isHigh)
      this.#fail(`held ${JSON.stringify(held)}, and no \`low\` was told`);
    if (this.#episode?.isHigh !== true && !isOver && isHigh(this.#options, held))
      this.#fail(`held ${JSON.stringify(held)}, and no \`high\` was told`);
    const left = this.#waiting.filter(({ settled }) => !settled);
    for (const { error } of this.#waiting.filter(({ settled }) => settled)) {
      if (error !== undefined && !(error instanceof ClosedConnectionError && isOver))
        this.#fail(`writable() rejected with ${error}`);
    }
    this.#waiting = left;
    // Behind a refusal it waits for the next message that ends, however little is held.
    const mayGoOn = usable && isLow(this.#options, held) && (this.#episode?.isFull !== true || held.messages === 0);
    if (left.length > 0 && !isOver && mayGoOn) this.#fail(`writable() waits, and ${JSON.stringify(held)} are held`);
  }

  #event(event: OutboundEvent, nc: HoldfastConnection): void {
    const { refused } = nc.outbound.counts();
    switch (event.type) {
      case "high":
        if (this.#episode?.isHigh === true) this.#fail("`high` twice without a `low`");
        this.#highs++;
        this.#episode = { isHigh: true, isFull: this.#episode?.isFull === true };
        if (!isHigh(this.#options, event.held)) this.#fail(`\`high\` with ${JSON.stringify(event.held)}`);
        return;
      case "full":
        if (this.#episode?.isFull === true) this.#fail("`full` twice without a `low`");
        this.#episode = { isHigh: this.#episode?.isHigh === true, isFull: true };
        if (event.refused > refused) this.#fail(`\`full\` tells ${event.refused} refused of ${refused}`);
        return;
      case "low":
        if (this.#episode === undefined) this.#fail("`low` without a `high` or `full`");
        this.#episode = undefined;
        if (!isLow(this.#options, event.held)) this.#fail(`\`low\` with ${JSON.stringify(event.held)}`);
        if (event.refused > refused) this.#fail(`\`low\` tells ${event.refused} refused of ${refused}`);
        return;
      case "backlogStart":
        if (event.messages <= 0 || event.bytes <= 0) this.#fail(`a backlog of ${event.messages} messages, ${event.bytes} bytes`);
        this.#backlogs++;
        return;
      case "backlogEnd":
        if (this.#backlogs <= 0) this.#fail("`backlogEnd` without a `backlogStart`");
        this.#backlogs--;
        return;
      case "stalled":
        this.#stalls++;
        if (this.#options.stallTimeout === 0 || event.ms < this.#options.stallTimeout) this.#fail(`stalled after ${event.ms} ms`);
    }
  }
}

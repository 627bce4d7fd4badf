import type { Status } from "@nats-io/nats-core";
import { Feed } from "./feed.ts";

/** What `nc.status()` returns: nats-core's events, for one reader. */
export interface StatusIterator extends AsyncIterable<Status> {
  /** Ends the iteration behind what already waits. */
  stop(error?: Error): void;
}

/** Hands every status to every listener; one that does not read keeps the newest 1 024. (In nats.js it keeps all.) */
export class StatusFeed {
  readonly #feed = new Feed<Status>();
  readonly #tell: (status: Status) => void;

  /** `tell` gets every status, too. */
  constructor(tell: (status: Status) => void = () => {}) {
    this.#tell = tell;
  }

  /** How many listen. */
  get listeners(): number {
    return this.#feed.listeners;
  }

  report(status: Status): void {
    this.#feed.report(status);
    this.#tell(status);
  }

  /** Listens from now on. */
  listen(): StatusIterator {
    return this.#feed.listen();
  }

  /** The last event, `close`; then every iteration ends. */
  close(): void {
    this.report({ type: "close" });
    this.#feed.close();
  }
}

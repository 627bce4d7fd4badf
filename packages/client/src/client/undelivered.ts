import type { Undelivered } from "../options.ts";
import type { EndedMessage } from "../outbound/ended-message.ts";
import type { OutboundHandlers } from "../outbound/handback.ts";
import { decodeHeaders } from "./headers.ts";

/** Somebody beside the user's listener who may want to be told what is handed back. */
export interface UndeliveredWatcher {
  /** Whether that is so now. */
  wants(): boolean;
  tell(messages: readonly Undelivered[]): void;
}

/** Hands ended messages, headers decoded, to the user's `onUndelivered` and to the watcher; what the listener throws goes to `report`. */
export function undeliveredHandlers(
  listener: ((batch: readonly Undelivered[]) => void | Promise<void>) | undefined,
  report: (thrown: unknown) => void,
  watcher: UndeliveredWatcher,
): Pick<OutboundHandlers, "undelivered" | "undeliveredFailed"> {
  return new Handlers(listener, report, watcher);
}

class Handlers implements Pick<OutboundHandlers, "undelivered" | "undeliveredFailed"> {
  readonly undeliveredFailed: (thrown: unknown) => void;
  readonly #listener: ((batch: readonly Undelivered[]) => void | Promise<void>) | undefined;
  readonly #watcher: UndeliveredWatcher;

  constructor(
    listener: ((batch: readonly Undelivered[]) => void | Promise<void>) | undefined,
    report: (thrown: unknown) => void,
    watcher: UndeliveredWatcher,
  ) {
    this.undeliveredFailed = report;
    this.#listener = listener;
    this.#watcher = watcher;
  }

  /** Asked each time: the watcher may begin to want it, and cease to, while the connection is open. */
  get undelivered(): OutboundHandlers["undelivered"] {
    return this.#listener === undefined && !this.#watcher.wants() ? null : (batch) => this.#handBack(batch);
  }

  #handBack(batch: readonly EndedMessage[]): void | Promise<void> {
    const messages = batch.map(toUndelivered);
    this.#watcher.tell(messages);
    return this.#listener?.(messages);
  }
}

/** The same messages as the user gets them. An iteration that is left early leaves the rest where they are. */
export function undeliveredMessages(source: AsyncIterable<EndedMessage>): AsyncIterable<Undelivered> {
  return {
    async *[Symbol.asyncIterator]() {
      for await (const message of source) yield toUndelivered(message);
    },
  };
}

/** What a message did not have is left out, so that it does not show in a log. */
function toUndelivered(message: EndedMessage): Undelivered {
  const { subject, reply, headers, data, state, error, ageMs } = message;
  return {
    subject,
    ...(reply === undefined ? {} : { reply }),
    ...(headers === undefined ? {} : { headers: decodeHeaders(headers) }),
    data,
    state,
    ...(error === undefined ? {} : { error }),
    ageMs,
  };
}

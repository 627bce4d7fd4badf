import type { Undelivered } from "../options.ts";
import type { EndedMessage } from "../outbound/ended-message.ts";
import type { OutboundHandlers } from "../outbound/handback.ts";
import { decodeHeaders } from "./headers.ts";

/** Hands ended messages to the user's `onUndelivered`, headers decoded; what it throws goes to `report`. */
export function undeliveredHandlers(
  listener: ((batch: readonly Undelivered[]) => void | Promise<void>) | undefined,
  report: (thrown: unknown) => void,
): Pick<OutboundHandlers, "undelivered" | "undeliveredFailed"> {
  return {
    undelivered: listener === undefined ? null : (batch) => listener(batch.map(toUndelivered)),
    undeliveredFailed: report,
  };
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

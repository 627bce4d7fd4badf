import { InvalidArgumentError } from "@nats-io/nats-core";

/** The options that say how long to wait before a server is dialled again. */
export interface BackoffOptions {
  /** Milliseconds. */
  readonly reconnectTimeWait: number;
  /** Upper bound of what is added at random, in milliseconds. */
  readonly reconnectJitter: number;
  /** The same for connections under TLS. */
  readonly reconnectJitterTLS: number;
  /** Replaces all three. */
  readonly reconnectDelayHandler: (() => number) | undefined;
}

/**
 * Draws how long a server is left alone after it was last dialled, in milliseconds. A handler of the user's that throws or gives
 * anything but a number of milliseconds is told about through `report` and replaced, this once, by the default: a bug in it must not end
 * the reconnecting.
 */
export function drawWait(options: BackoffOptions, tls: boolean, random: () => number, report: (error: Error) => void): number {
  const handler = options.reconnectDelayHandler;
  if (handler !== undefined) {
    try {
      const wait: unknown = handler();
      if (typeof wait === "number" && wait >= 0 && wait < Number.POSITIVE_INFINITY) return wait;
      report(
        InvalidArgumentError.format(
          "reconnectDelayHandler",
          `must return milliseconds, 0 or more; it returned ${describe(wait)}`,
        ),
      );
    } catch (cause) {
      report(InvalidArgumentError.format("reconnectDelayHandler", `threw: ${describe(cause)}`, { cause }));
    }
  }
  const jitter = tls ? options.reconnectJitterTLS : options.reconnectJitter;
  return options.reconnectTimeWait + Math.floor(random() * (jitter + 1));
}

function describe(value: unknown): string {
  if (value instanceof Error) return value.message;
  return typeof value === "number" ? String(value) : `a value of type ${typeof value}`;
}

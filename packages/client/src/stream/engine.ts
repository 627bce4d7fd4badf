import type { StreamMessage } from "./outstanding.ts";

/** What sends messages until the stream has answered for each: one way of it for each mode. */
export interface Engine<Result> {
  /** Takes a message in: sent now, or when it can be. */
  send(message: StreamMessage<Result>): void;
  /** Somebody waits for all that was taken in. */
  hurry(): void;
  /** Nothing is outstanding: timers may rest. */
  rest(): void;
  /** Everything outstanding ends. */
  failAll(cause: Error): void;
  /** Gives up timers, the subscription, and the connection's status. */
  stop(): void;
}

/** Who is told what becomes of the messages. */
export interface EngineListener<Result> {
  /** A message has ended; its promise is told next. */
  settled(message: StreamMessage<Result>): void;
  /** The connection is closed. */
  closed(error: Error): void;
}

import type { Status } from "@nats-io/nats-core";
import type { ResolvedOptions } from "../options.ts";
import type { Failure } from "./failure.ts";

/** The words of the state machine in state.ts: what a session can be in, what can happen to it, and what is then to be done. */

/** What the options say about the life of a session. */
export interface Policy {
  /**
   * Before any connection was open: `once` tries each server once and gives up, `forever` never gives up, `counted` holds failed
   * attempts against `maxReconnectAttempts`.
   */
  readonly first: "once" | "forever" | "counted";
  /** When `connect()` resolves. */
  readonly resolves: "when-open" | "at-once";
  readonly reconnect: boolean;
  /** Give up when the same kind of auth error comes twice with no connection between. */
  readonly abortOnAuthError: boolean;
}

/** What is known while no connection is open. */
export interface Search {
  /** `first`: none was ever open. */
  readonly stage: "first" | "again";
  /** Why there is none; what the session ends with if it is given up. */
  readonly error: Error | undefined;
  /** The name of the last auth error since a connection was open. */
  readonly auth: string | undefined;
}

/** Why we end a connection ourselves, at once: nobody answers; the server cannot be followed; it revoked the credentials. */
export type DropReason = "stale" | "protocol" | "auth";

/** Why we leave a connection that works, once nothing is in flight on it: the user asked; its server is about to shut down. */
export type MoveReason = "forced" | "lameDuck";

/** Where the session is. `S` is a server of the pool, of which this file knows only its name. */
export type State<S> =
  | { readonly kind: "idle" }
  /** Asked whose turn it is; the answer is the next event. */
  | { readonly kind: "choosing"; readonly search: Search }
  /** A timer runs; then `server` is dialled, or, without one, chosen. */
  | { readonly kind: "waiting"; readonly search: Search; readonly server: S | undefined }
  | { readonly kind: "dialling"; readonly search: Search; readonly server: S }
  | { readonly kind: "open"; readonly server: S }
  /** Still attached; nothing more is handed over, and the connection is left when nothing is in flight any more. */
  | { readonly kind: "moving"; readonly server: S; readonly reason: MoveReason }
  /** We ended the connection and wait for its end; then another one. */
  | { readonly kind: "leaving"; readonly search: Search; readonly server: S; readonly reason: DropReason | MoveReason }
  /** As leaving, or as a dial that is being stopped; then no other. */
  | { readonly kind: "closing"; readonly error: Error | undefined }
  | { readonly kind: "closed"; readonly error: Error | undefined };

/** What happens to a session. */
export type SessionEvent<S> =
  | { readonly type: "connect" }
  /** Answers to `select`. */
  | { readonly type: "notDue"; readonly delayMs: number }
  | { readonly type: "chosen"; readonly server: S; readonly delayMs: number }
  | { readonly type: "exhausted" }
  | { readonly type: "handlerFailed"; readonly error: Error }
  /** The timer of `wait` fired. */
  | { readonly type: "due" }
  | { readonly type: "poolChanged" }
  | { readonly type: "opened" }
  /** The dial gave no connection. */
  | { readonly type: "failed"; readonly failure: Failure }
  /** We want the open connection to end. */
  | { readonly type: "drop"; readonly reason: DropReason; readonly error?: Error }
  /** We want another connection, without loss. */
  | { readonly type: "move"; readonly reason: MoveReason }
  /** The answer to `leave`: nothing is in flight any more. */
  | { readonly type: "left" }
  /** The connection that was open is gone. `proven`: see `Probation`. */
  | { readonly type: "ended"; readonly error: Error | undefined; readonly proven: boolean }
  | { readonly type: "close"; readonly error: Error | undefined };

/** What is to be done, in order. */
export type Effect<S> =
  /** Ask the pool whose turn it is. `fresh`: draw a new waiting time first. */
  | { readonly do: "select"; readonly among: "untried" | "all"; readonly fresh: boolean }
  | { readonly do: "wait"; readonly delayMs: number }
  | { readonly do: "stopWaiting" }
  | { readonly do: "dial"; readonly server: S }
  | { readonly do: "abortDial" }
  | { readonly do: "attach"; readonly server: S }
  | { readonly do: "detach" }
  /** Hand over nothing more; `left` when all of it is confirmed. */
  | { readonly do: "leave" }
  /** The next turn is another server's, if there is another. */
  | { readonly do: "turnOver"; readonly server: S }
  /** FIN, and a reset if the peer does not answer. */
  | { readonly do: "endLink" }
  | { readonly do: "resetLink" }
  /** A failed attempt, for `maxReconnectAttempts`. */
  | { readonly do: "count"; readonly server: S }
  | { readonly do: "status"; readonly status: Status }
  | { readonly do: "resolveConnect" }
  /** The last effect of a session. */
  | { readonly do: "finish"; readonly error: Error | undefined };

/** A state and what led into it. */
export interface Step<S> {
  readonly state: State<S>;
  readonly effects: readonly Effect<S>[];
}

/** The policy that the options amount to. */
export function policyOf(
  options: Pick<ResolvedOptions, "waitOnFirstConnect" | "retryOnFailedConnect" | "reconnect" | "ignoreAuthErrorAbort">,
): Policy {
  const { waitOnFirstConnect, retryOnFailedConnect, reconnect, ignoreAuthErrorAbort } = options;
  return {
    first: waitOnFirstConnect ? "forever" : retryOnFailedConnect ? "counted" : "once",
    resolves: retryOnFailedConnect ? "at-once" : "when-open",
    reconnect,
    abortOnAuthError: !ignoreAuthErrorAbort,
  };
}

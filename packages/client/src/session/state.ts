import { ConnectionError } from "@nats-io/nats-core";
import type { Failure } from "./failure.ts";
import type { DropReason, Effect, MoveReason, Policy, Search, SessionEvent, State, Step } from "./lifecycle.ts";
import { before, choose, dial, finish, stay, wait } from "./steps.ts";

/**
 * The life of a session, whole and pure:
 *
 * ```
 *   idle ─▶ choosing ⇄ waiting ─▶ dialling ─▶ open ─▶ choosing …
 *                                              │ └──▶ leaving ─▶ choosing …
 *                                              └─▶ moving ─▶ leaving, or as open
 *   any ─▶ closing ─▶ closed
 * ```
 *
 * An event that means nothing in a state leaves it as it is.
 */
export function next<S extends Named>(state: State<S>, event: SessionEvent<S>, policy: Policy): Step<S> {
  switch (state.kind) {
    case "idle":
      return fromIdle(state, event, policy);
    case "choosing":
      return fromChoosing(state, event);
    case "waiting":
      return fromWaiting(state, event, policy);
    case "dialling":
      return fromDialling(state, event, policy);
    case "open":
      return fromOpen(state, event, policy);
    case "moving":
      return fromMoving(state, event, policy);
    case "leaving":
      return fromLeaving(state, event, policy);
    case "closing":
      return fromClosing(state, event);
    case "closed":
      return stay(state);
  }
}

interface Named {
  readonly listen: string;
}

type In<S, K extends State<S>["kind"]> = Extract<State<S>, { kind: K }>;

function fromIdle<S>(state: In<S, "idle">, event: SessionEvent<S>, policy: Policy): Step<S> {
  if (event.type === "close") return finish(event.error);
  if (event.type !== "connect") return stay(state);
  const search: Search = { stage: "first", error: undefined, auth: undefined };
  if (policy.resolves === "when-open") return choose(search, policy, false);
  // Through a timer, so that whoever awaits `connect()` can listen before the first dial is announced.
  const effects: Effect<S>[] = [{ do: "resolveConnect" }, { do: "wait", delayMs: 0 }];
  return { state: { kind: "waiting", search, server: undefined }, effects };
}

function fromChoosing<S>(state: In<S, "choosing">, event: SessionEvent<S>): Step<S> {
  const { search } = state;
  switch (event.type) {
    case "notDue":
      return wait<S>(search, undefined, event.delayMs);
    case "chosen":
      return event.delayMs > 0 ? wait(search, event.server, event.delayMs) : dial(search, event.server);
    case "exhausted":
      return finish(search.error ?? new ConnectionError("connection refused"));
    case "handlerFailed":
    case "close":
      return finish(event.error);
    case "connect":
    case "due":
    case "poolChanged":
    case "opened":
    case "failed":
    case "drop":
    case "move":
    case "left":
    case "ended":
      return stay(state);
  }
}

function fromWaiting<S>(state: In<S, "waiting">, event: SessionEvent<S>, policy: Policy): Step<S> {
  const { search, server } = state;
  switch (event.type) {
    case "due":
      return server === undefined ? choose(search, policy, false) : dial(search, server);
    case "poolChanged":
      // Somebody may be due now. A server that the user's own handler chose stays chosen.
      return server === undefined ? before([{ do: "stopWaiting" }], choose(search, policy, false)) : stay(state);
    case "close":
      return before<S>([{ do: "stopWaiting" }], finish(event.error));
    case "connect":
    case "notDue":
    case "chosen":
    case "exhausted":
    case "handlerFailed":
    case "opened":
    case "failed":
    case "drop":
    case "move":
    case "left":
    case "ended":
      return stay(state);
  }
}

function fromDialling<S extends Named>(state: In<S, "dialling">, event: SessionEvent<S>, policy: Policy): Step<S> {
  const { search, server } = state;
  switch (event.type) {
    case "opened":
      return { state: { kind: "open", server }, effects: [{ do: "attach", server }, ...announce(search, server, policy)] };
    case "failed":
      return afterFailure(search, server, event.failure, policy);
    case "close":
      return { state: { kind: "closing", error: event.error }, effects: [{ do: "abortDial" }] };
    case "connect":
    case "notDue":
    case "chosen":
    case "exhausted":
    case "handlerFailed":
    case "due":
    case "poolChanged":
    case "drop":
    case "move":
    case "left":
    case "ended":
      return stay(state);
  }
}

function fromOpen<S extends Named>(state: In<S, "open">, event: SessionEvent<S>, policy: Policy): Step<S> {
  const { server } = state;
  switch (event.type) {
    case "move": {
      const { reason } = event;
      // Who does not reconnect stays until the server ends the connection.
      if (reason === "lameDuck" && !policy.reconnect) return stay(state);
      return { state: { kind: "moving", server, reason }, effects: [announceMove(reason, server), { do: "leave" }] };
    }
    case "ended":
      return lost(server, event.error, !event.proven, policy);
    case "drop":
      return drop(server, event);
    case "close":
      return closeOpen(event.error);
    case "connect":
    case "notDue":
    case "chosen":
    case "exhausted":
    case "handlerFailed":
    case "due":
    case "poolChanged":
    case "opened":
    case "failed":
    case "left":
      return stay(state);
  }
}

function fromMoving<S extends Named>(state: In<S, "moving">, event: SessionEvent<S>, policy: Policy): Step<S> {
  const { server, reason } = state;
  switch (event.type) {
    case "left": {
      const effects: Effect<S>[] = [{ do: "detach" }, { do: "endLink" }, disconnected(server)];
      return { state: { kind: "leaving", search: searchAfter(undefined), server, reason }, effects };
    }
    case "ended":
      // A lame duck that ends the connection does what it said it would.
      return lost(server, event.error, !event.proven && reason !== "lameDuck", policy);
    case "drop":
      return drop(server, event);
    case "close":
      return closeOpen(event.error);
    case "connect":
    case "notDue":
    case "chosen":
    case "exhausted":
    case "handlerFailed":
    case "due":
    case "poolChanged":
    case "opened":
    case "failed":
    case "move":
      return stay(state);
  }
}

function fromLeaving<S>(state: In<S, "leaving">, event: SessionEvent<S>, policy: Policy): Step<S> {
  const { search, server, reason } = state;
  switch (event.type) {
    case "ended":
      return searchAgain(search, server, !event.proven && !isMove(reason), policy);
    case "close":
      return { state: { kind: "closing", error: event.error }, effects: [] };
    case "connect":
    case "notDue":
    case "chosen":
    case "exhausted":
    case "handlerFailed":
    case "due":
    case "poolChanged":
    case "opened":
    case "failed":
    case "drop":
    case "move":
    case "left":
      return stay(state);
  }
}

function fromClosing<S>(state: In<S, "closing">, event: SessionEvent<S>): Step<S> {
  // A dial that is stopped in the moment it succeeds ends as a connection.
  return event.type === "ended" || event.type === "failed" ? finish(state.error) : stay(state);
}

/** The attached connection ended by itself. */
function lost<S extends Named>(server: S, error: Error | undefined, counts: boolean, policy: Policy): Step<S> {
  return before([{ do: "detach" }, disconnected(server)], searchAgain(searchAfter(error), server, counts, policy));
}

/** The attached connection is of no use any more. */
function drop<S extends Named>(server: S, event: Extract<SessionEvent<S>, { type: "drop" }>): Step<S> {
  const { reason, error } = event;
  const effects: Effect<S>[] = [...announceDrop<S>(reason), { do: "detach" }, { do: "resetLink" }, disconnected(server)];
  const search = searchAfter(error, reason === "auth" ? error?.name : undefined);
  return { state: { kind: "leaving", search, server, reason }, effects };
}

function closeOpen<S>(error: Error | undefined): Step<S> {
  return { state: { kind: "closing", error }, effects: [{ do: "detach" }, { do: "endLink" }] };
}

function afterFailure<S>(search: Search, server: S, failure: Failure, policy: Policy): Step<S> {
  const { kind, error } = failure;
  if (kind === "fatal") return finish(error);
  if (kind === "auth" && policy.abortOnAuthError && search.auth === error.name) return finish(error);
  const after: Search = { ...search, error, auth: kind === "auth" ? error.name : search.auth };
  const counts = search.stage === "again" || policy.first === "counted";
  return before(counts ? [{ do: "count", server }] : [], choose(after, policy, true));
}

function searchAgain<S>(search: Search, server: S, counts: boolean, policy: Policy): Step<S> {
  if (!policy.reconnect) return finish(search.error);
  return before(counts ? [{ do: "count", server }] : [], choose(search, policy, true));
}

function searchAfter(error: Error | undefined, auth?: string): Search {
  return { stage: "again", error, auth };
}

/** `reconnect` says that a client which its user holds is connected; `connect()` itself says it when it resolves. */
function announce<S extends Named>(search: Search, server: S, policy: Policy): Effect<S>[] {
  if (search.stage === "first" && policy.resolves === "when-open") return [{ do: "resolveConnect" }];
  return [{ do: "status", status: { type: "reconnect", server: server.listen } }];
}

/** The status events of nats.js. It calls a connection with revoked credentials stale, so that is what its users wait for. */
function announceDrop<S>(reason: DropReason): Effect<S>[] {
  return reason === "protocol" ? [] : [{ do: "status", status: { type: "staleConnection" } }];
}

/** A lame duck was announced with its INFO. The move must not lead back to it. */
function announceMove<S>(reason: MoveReason, server: S): Effect<S> {
  return reason === "forced" ? { do: "status", status: { type: "forceReconnect" } } : { do: "turnOver", server };
}

function disconnected<S extends Named>(server: S): Effect<S> {
  return { do: "status", status: { type: "disconnect", server: server.listen } };
}

/** No server is to blame for being left. */
function isMove(reason: DropReason | MoveReason): reason is MoveReason {
  return reason === "forced" || reason === "lameDuck";
}

import { ConnectionError } from "@nats-io/nats-core";
import type { Failure } from "./failure.ts";
import type { DropReason, Effect, Policy, Search, SessionEvent, State, Step } from "./lifecycle.ts";

/**
 * The life of a session, whole and pure:
 *
 * ```
 *   idle ─▶ choosing ⇄ waiting ─▶ dialling ─▶ open ─▶ choosing …
 *                                                └──▶ leaving ─▶ choosing …
 *   any ─▶ closing ─▶ closed
 * ```
 *
 * An event that means nothing in a state leaves it as it is.
 */
export function next<S extends { readonly listen: string }>(state: State<S>, event: SessionEvent<S>, policy: Policy): Step<S> {
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
    case "leaving":
      return fromLeaving(state, event, policy);
    case "closing":
      return fromClosing(state, event);
    case "closed":
      return stay(state);
  }
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
    case "ended":
      return stay(state);
  }
}

function fromDialling<S extends { readonly listen: string }>(
  state: In<S, "dialling">,
  event: SessionEvent<S>,
  policy: Policy,
): Step<S> {
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
    case "ended":
      return stay(state);
  }
}

function fromOpen<S extends { readonly listen: string }>(state: In<S, "open">, event: SessionEvent<S>, policy: Policy): Step<S> {
  const { server } = state;
  const disconnect: Effect<S> = { do: "status", status: { type: "disconnect", server: server.listen } };
  switch (event.type) {
    case "ended":
      return before([{ do: "detach" }, disconnect], searchAgain(searchAfter(event.error), server, !event.proven, policy));
    case "drop": {
      const effects: Effect<S>[] = [...announceDrop<S>(event.reason), { do: "detach" }];
      effects.push({ do: event.reason === "forced" ? "endLink" : "resetLink" }, disconnect);
      const search = searchAfter(event.error, event.reason === "auth" ? event.error?.name : undefined);
      return { state: { kind: "leaving", search, server, reason: event.reason }, effects };
    }
    case "close":
      return { state: { kind: "closing", error: event.error }, effects: [{ do: "detach" }, { do: "endLink" }] };
    case "connect":
    case "notDue":
    case "chosen":
    case "exhausted":
    case "handlerFailed":
    case "due":
    case "poolChanged":
    case "opened":
    case "failed":
      return stay(state);
  }
}

function fromLeaving<S>(state: In<S, "leaving">, event: SessionEvent<S>, policy: Policy): Step<S> {
  const { search, server, reason } = state;
  switch (event.type) {
    case "ended":
      // The server is not to blame for a move that the user asked for.
      return searchAgain(search, server, !event.proven && reason !== "forced", policy);
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
      return stay(state);
  }
}

function fromClosing<S>(state: In<S, "closing">, event: SessionEvent<S>): Step<S> {
  // A dial that is stopped in the moment it succeeds ends as a connection.
  return event.type === "ended" || event.type === "failed" ? finish(state.error) : stay(state);
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

function choose<S>(search: Search, policy: Policy, fresh: boolean): Step<S> {
  const among = search.stage === "first" && policy.first === "once" ? "untried" : "all";
  return { state: { kind: "choosing", search }, effects: [{ do: "select", among, fresh }] };
}

function wait<S>(search: Search, server: S | undefined, delayMs: number): Step<S> {
  return { state: { kind: "waiting", search, server }, effects: [{ do: "wait", delayMs }] };
}

function dial<S>(search: Search, server: S): Step<S> {
  return { state: { kind: "dialling", search, server }, effects: [{ do: "dial", server }] };
}

function finish<S>(error: Error | undefined): Step<S> {
  return { state: { kind: "closed", error }, effects: [{ do: "finish", error }] };
}

function stay<S>(state: State<S>): Step<S> {
  return { state, effects: [] };
}

function before<S>(effects: readonly Effect<S>[], step: Step<S>): Step<S> {
  return { state: step.state, effects: [...effects, ...step.effects] };
}

/** `reconnect` says that a client which its user holds is connected; `connect()` itself says it when it resolves. */
function announce<S extends { readonly listen: string }>(search: Search, server: S, policy: Policy): Effect<S>[] {
  if (search.stage === "first" && policy.resolves === "when-open") return [{ do: "resolveConnect" }];
  return [{ do: "status", status: { type: "reconnect", server: server.listen } }];
}

/** The status events of nats.js. It calls a connection with revoked credentials stale, so that is what its users wait for. */
function announceDrop<S>(reason: DropReason): Effect<S>[] {
  switch (reason) {
    case "stale":
    case "auth":
      return [{ do: "status", status: { type: "staleConnection" } }];
    case "forced":
      return [{ do: "status", status: { type: "forceReconnect" } }];
    case "protocol":
      return [];
  }
}

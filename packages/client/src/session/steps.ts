import type { Effect, Policy, Search, State, Step } from "./lifecycle.ts";

/** The steps that several states take. */

/** Asks whose turn it is. `fresh`: draw a new waiting time first. */
export function choose<S>(search: Search, policy: Policy, fresh: boolean): Step<S> {
  const among = search.stage === "first" && policy.first === "once" ? "untried" : "all";
  return { state: { kind: "choosing", search }, effects: [{ do: "select", among, fresh }] };
}

/** Without a server: chooses when the time is up. */
export function wait<S>(search: Search, server: S | undefined, delayMs: number): Step<S> {
  return { state: { kind: "waiting", search, server }, effects: [{ do: "wait", delayMs }] };
}

export function dial<S>(search: Search, server: S): Step<S> {
  return { state: { kind: "dialling", search, server }, effects: [{ do: "dial", server }] };
}

export function finish<S>(error: Error | undefined): Step<S> {
  return { state: { kind: "closed", error }, effects: [{ do: "finish", error }] };
}

/** The event means nothing here. */
export function stay<S>(state: State<S>): Step<S> {
  return { state, effects: [] };
}

export function before<S>(effects: readonly Effect<S>[], step: Step<S>): Step<S> {
  return { state: step.state, effects: [...effects, ...step.effects] };
}

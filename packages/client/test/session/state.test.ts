import assert from "node:assert/strict";
import { test } from "node:test";
import { AuthorizationError, ConnectionError, UserAuthenticationExpiredError } from "@nats-io/nats-core";
import fc from "fast-check";
import type { Failure } from "../../src/session/failure.ts";
import {
  type DropReason,
  type Policy,
  policyOf,
  type Search,
  type SessionEvent,
  type State,
  type Step,
} from "../../src/session/lifecycle.ts";
import { next } from "../../src/session/state.ts";

interface Named {
  readonly listen: string;
}

const a: Named = { listen: "a:4222" };
const b: Named = { listen: "b:4222" };
const lost = new ConnectionError("lost");
const refused: Failure = { kind: "network", error: new ConnectionError("connection refused") };
const unwanted: Failure = { kind: "auth", error: new AuthorizationError("'Authorization Violation'") };
const expired: Failure = { kind: "auth", error: new UserAuthenticationExpiredError("'User Authentication Expired'") };

const usual: Policy = { first: "once", resolves: "when-open", reconnect: true, abortOnAuthError: true };
const first: Search = { stage: "first", error: undefined, auth: undefined };
const again: Search = { stage: "again", error: undefined, auth: undefined };

const states: { readonly [K in State<Named>["kind"]]: Extract<State<Named>, { kind: K }> } = {
  idle: { kind: "idle" },
  choosing: { kind: "choosing", search: again },
  waiting: { kind: "waiting", search: again, server: undefined },
  dialling: { kind: "dialling", search: again, server: a },
  open: { kind: "open", server: a },
  moving: { kind: "moving", server: a, reason: "forced" },
  leaving: { kind: "leaving", search: again, server: a, reason: "stale" },
  closing: { kind: "closing", error: undefined },
  closed: { kind: "closed", error: undefined },
};

const events: { readonly [T in SessionEvent<Named>["type"]]: Extract<SessionEvent<Named>, { type: T }> } = {
  connect: { type: "connect" },
  notDue: { type: "notDue", delayMs: 10 },
  chosen: { type: "chosen", server: b, delayMs: 0 },
  exhausted: { type: "exhausted" },
  handlerFailed: { type: "handlerFailed", error: lost },
  due: { type: "due" },
  poolChanged: { type: "poolChanged" },
  opened: { type: "opened" },
  failed: { type: "failed", failure: refused },
  drop: { type: "drop", reason: "stale" },
  move: { type: "move", reason: "forced" },
  left: { type: "left" },
  ended: { type: "ended", error: lost, proven: true },
  close: { type: "close", error: undefined },
};

/** For each state, where each event leads; an event that is not listed leaves the state as it is, without effects. */
const table: Record<State<Named>["kind"], Partial<Record<SessionEvent<Named>["type"], string>>> = {
  idle: { connect: "choosing: select", close: "closed: finish" },
  choosing: {
    notDue: "waiting: wait",
    chosen: "dialling: dial",
    exhausted: "closed: finish",
    handlerFailed: "closed: finish",
    close: "closed: finish",
  },
  waiting: { due: "choosing: select", poolChanged: "choosing: stopWaiting select", close: "closed: stopWaiting finish" },
  dialling: { opened: "open: attach status", failed: "choosing: count select", close: "closing: abortDial" },
  open: {
    ended: "choosing: detach status select",
    drop: "leaving: status detach resetLink status",
    move: "moving: status leave",
    close: "closing: detach endLink",
  },
  moving: {
    left: "leaving: detach endLink status",
    ended: "choosing: detach status select",
    drop: "leaving: status detach resetLink status",
    close: "closing: detach endLink",
  },
  leaving: { ended: "choosing: select", close: "closing: " },
  closing: { ended: "closed: finish", failed: "closed: finish" },
  closed: {},
};

for (const state of Object.values(states)) {
  for (const event of Object.values(events)) {
    const expected = table[state.kind][event.type];
    test(`${event.type} while ${state.kind} ${expected === undefined ? "changes nothing" : `leads to ${expected}`}`, () => {
      const step = next<Named>(state, event, usual);
      if (expected === undefined) assert.deepEqual(step, { state, effects: [] });
      else assert.equal(`${step.state.kind}: ${step.effects.map((effect) => effect.do).join(" ")}`, expected);
    });
  }
}

test("connect() resolves at the first connection, without a reconnect event", () => {
  const { effects } = next<Named>({ ...states.dialling, search: first }, events.opened, usual);
  assert.deepEqual(effects, [{ do: "attach", server: a }, { do: "resolveConnect" }]);
});

test("a later connection is announced after it is attached", () => {
  const { effects } = next<Named>(states.dialling, events.opened, usual);
  assert.deepEqual(effects, [
    { do: "attach", server: a },
    { do: "status", status: { type: "reconnect", server: "a:4222" } },
  ]);
});

test("with retryOnFailedConnect connect() resolves before the first dial, and the first connection is announced", () => {
  const policy: Policy = { ...usual, first: "counted", resolves: "at-once" };
  const begun = next<Named>(states.idle, events.connect, policy);
  assert.deepEqual(begun, {
    state: { kind: "waiting", search: first, server: undefined },
    effects: [{ do: "resolveConnect" }, { do: "wait", delayMs: 0 }],
  });
  const { effects } = next<Named>({ ...states.dialling, search: first }, events.opened, policy);
  assert.deepEqual(effects.at(-1), { do: "status", status: { type: "reconnect", server: "a:4222" } });
});

const firstFailures: readonly [Policy["first"], counted: boolean, among: string][] = [
  ["once", false, "untried"],
  ["forever", false, "all"],
  ["counted", true, "all"],
];
for (const [mode, counted, among] of firstFailures) {
  test(`before the first connection, "${mode}" ${counted ? "counts" : "does not count"} failures and chooses among ${among}`, () => {
    const { state, effects } = next<Named>({ ...states.dialling, search: first }, events.failed, { ...usual, first: mode });
    assert.deepEqual(state, { kind: "choosing", search: { ...first, error: refused.error } });
    const select = { do: "select", among, fresh: true };
    assert.deepEqual(effects, counted ? [{ do: "count", server: a }, select] : [select]);
  });
}

test("a session that is given up ends with the last error", () => {
  const { state } = next<Named>({ kind: "choosing", search: { ...again, error: lost } }, events.exhausted, usual);
  assert.deepEqual(state, { kind: "closed", error: lost });
});

test("a session that is given up without any error ends as nats.js ends it", () => {
  const { state } = next<Named>(states.choosing, events.exhausted, usual);
  assert.ok(state.kind === "closed" && state.error instanceof ConnectionError);
  assert.equal(state.error.message, "connection refused");
});

test("the same auth error twice in a row ends the session with it", () => {
  const once = next<Named>(states.dialling, { type: "failed", failure: unwanted }, usual);
  assert.deepEqual(once.state, {
    kind: "choosing",
    search: { stage: "again", error: unwanted.error, auth: "AuthorizationError" },
  });
  assert.ok(once.state.kind === "choosing");
  const dialling: State<Named> = { kind: "dialling", search: once.state.search, server: b };
  assert.deepEqual(next<Named>(dialling, { type: "failed", failure: unwanted }, usual).state, {
    kind: "closed",
    error: unwanted.error,
  });
});

test("with ignoreAuthErrorAbort any number of auth errors ends nothing", () => {
  const dialling: State<Named> = { ...states.dialling, search: { ...again, auth: "AuthorizationError" } };
  const { state } = next<Named>(dialling, { type: "failed", failure: unwanted }, { ...usual, abortOnAuthError: false });
  assert.equal(state.kind, "choosing");
});

test("auth errors of two kinds are not the same", () => {
  const dialling: State<Named> = { ...states.dialling, search: { ...again, auth: expired.error.name } };
  assert.equal(next<Named>(dialling, { type: "failed", failure: unwanted }, usual).state.kind, "choosing");
});

test("a failure of the network between two auth errors does not separate them", () => {
  const dialling: State<Named> = { ...states.dialling, search: { ...again, auth: unwanted.error.name } };
  const { state } = next<Named>(dialling, { type: "failed", failure: refused }, usual);
  assert.ok(state.kind === "choosing");
  assert.equal(state.search.auth, unwanted.error.name);
});

test("credentials that expire on a connection count as the first auth error", () => {
  const dropped = next<Named>(states.open, { type: "drop", reason: "auth", error: expired.error }, usual);
  assert.ok(dropped.state.kind === "leaving");
  assert.equal(dropped.state.search.auth, expired.error.name);
  assert.deepEqual(dropped.effects[0], { do: "status", status: { type: "staleConnection" } });
});

test("a connection clears the auth errors before it", () => {
  const dialling: State<Named> = { ...states.dialling, search: { ...again, auth: unwanted.error.name } };
  const open = next<Named>(dialling, events.opened, usual).state;
  const { state } = next<Named>(open, events.ended, usual);
  assert.ok(state.kind === "choosing");
  assert.equal(state.search.auth, undefined);
});

test("what the user's own code throws ends the session at once", () => {
  const error = new Error("authenticator");
  const { state } = next<Named>(
    { ...states.dialling, search: first },
    { type: "failed", failure: { kind: "fatal", error } },
    {
      ...usual,
      first: "forever",
    },
  );
  assert.deepEqual(state, { kind: "closed", error });
});

test("without reconnect the first disconnect ends the session with its reason, after saying so", () => {
  const { state, effects } = next<Named>(states.open, events.ended, { ...usual, reconnect: false });
  assert.deepEqual(state, { kind: "closed", error: lost });
  const disconnect = { do: "status", status: { type: "disconnect", server: "a:4222" } };
  assert.deepEqual(effects, [{ do: "detach" }, disconnect, { do: "finish", error: lost }]);
});

test("a connection that ends before it proved good counts as a failed attempt", () => {
  const { effects } = next<Named>(states.open, { ...events.ended, proven: false }, usual);
  assert.deepEqual(effects.at(-2), { do: "count", server: a });
});

for (const reason of ["forced", "lameDuck"] as const) {
  test(`a move (${reason}) is never held against the server that was left`, () => {
    const leaving: State<Named> = { ...states.leaving, reason };
    const { effects } = next<Named>(leaving, { ...events.ended, proven: false }, usual);
    assert.deepEqual(effects, [{ do: "select", among: "all", fresh: true }]);
  });
}

test("reconnect() is announced at the call, the end of the old connection when it is left", () => {
  const begun = next<Named>(states.open, events.move, usual);
  assert.deepEqual(begun.effects, [{ do: "status", status: { type: "forceReconnect" } }, { do: "leave" }]);
  const { state, effects } = next<Named>(begun.state, events.left, usual);
  const disconnect = { do: "status", status: { type: "disconnect", server: "a:4222" } };
  assert.deepEqual(effects, [{ do: "detach" }, { do: "endLink" }, disconnect]);
  assert.deepEqual(state, { kind: "leaving", search: again, server: a, reason: "forced" });
});

test("a lame duck's turn is over before it is left, without another announcement than its own", () => {
  const begun = next<Named>(states.open, { type: "move", reason: "lameDuck" }, usual);
  assert.deepEqual(begun.effects, [{ do: "turnOver", server: a }, { do: "leave" }]);
  assert.deepEqual(begun.state, { kind: "moving", server: a, reason: "lameDuck" });
});

test("who does not reconnect stays with a lame duck to its end, but moves when the user asks", () => {
  const policy: Policy = { ...usual, reconnect: false };
  const stayed = next<Named>(states.open, { type: "move", reason: "lameDuck" }, policy);
  assert.deepEqual(stayed, { state: states.open, effects: [] });
  assert.equal(next<Named>(states.open, events.move, policy).state.kind, "moving");
});

for (const [reason, counted] of [
  ["forced", true],
  ["lameDuck", false],
] as const) {
  test(`a connection that ends unproven during a move (${reason}) ${counted ? "counts" : "does not count"} as a failed attempt`, () => {
    const { state, effects } = next<Named>({ ...states.moving, reason }, { ...events.ended, proven: false }, usual);
    assert.equal(
      effects.some((effect) => effect.do === "count"),
      counted,
    );
    assert.ok(state.kind === "choosing");
    assert.equal(state.search.error, lost);
  });
}

for (const reason of ["stale", "auth", "protocol"] as const) {
  test(`a connection dropped as ${reason} during a move ends as if no move were under way`, () => {
    const event: SessionEvent<Named> = { type: "drop", reason, error: expired.error };
    assert.deepEqual(next<Named>(states.moving, event, usual), next<Named>(states.open, event, usual));
  });
}

const drops: readonly [DropReason, readonly string[]][] = [
  ["stale", ["staleConnection", "detach", "resetLink", "disconnect"]],
  ["auth", ["staleConnection", "detach", "resetLink", "disconnect"]],
  ["protocol", ["detach", "resetLink", "disconnect"]],
];
for (const [reason, expected] of drops) {
  test(`a connection dropped as ${reason} is told about and ended in the order of nats.js`, () => {
    const { effects } = next<Named>(states.open, { type: "drop", reason }, usual);
    assert.deepEqual(
      effects.map((effect) => (effect.do === "status" ? effect.status.type : effect.do)),
      expected,
    );
  });
}

test("a server that the user's handler wants to wait for is dialled when it is due, also if the pool changes", () => {
  const waiting = next<Named>(states.choosing, { type: "chosen", server: b, delayMs: 50 }, usual);
  assert.deepEqual(waiting.effects, [{ do: "wait", delayMs: 50 }]);
  assert.deepEqual(next<Named>(waiting.state, events.poolChanged, usual).effects, []);
  assert.deepEqual(next<Named>(waiting.state, events.due, usual).effects, [{ do: "dial", server: b }]);
});

test("the options become the policy", () => {
  const options = { waitOnFirstConnect: false, retryOnFailedConnect: false, reconnect: true, ignoreAuthErrorAbort: false };
  assert.deepEqual(policyOf(options), usual);
  assert.equal(policyOf({ ...options, waitOnFirstConnect: true }).first, "forever");
  assert.deepEqual(policyOf({ ...options, retryOnFailedConnect: true }), { ...usual, first: "counted", resolves: "at-once" });
  assert.equal(policyOf({ ...options, retryOnFailedConnect: true, waitOnFirstConnect: true }).first, "forever");
  assert.equal(policyOf({ ...options, reconnect: false }).reconnect, false);
  assert.equal(policyOf({ ...options, ignoreAuthErrorAbort: true }).abortOnAuthError, false);
});

test("in any course of events: attach and detach alternate, timers and dials do not pile up, and nothing follows the one finish", () => {
  const event = fc.oneof(
    ...Object.values(events).map((one) => fc.constant<SessionEvent<Named>>(one)),
    fc.constantFrom<SessionEvent<Named>>(
      { type: "chosen", server: a, delayMs: 5 },
      { type: "failed", failure: unwanted },
      { type: "failed", failure: { kind: "fatal", error: lost } },
      { type: "move", reason: "lameDuck" },
      { type: "drop", reason: "auth", error: expired.error },
      { type: "ended", error: undefined, proven: false },
    ),
  );
  const policies = fc.record<Policy>({
    first: fc.constantFrom("once", "forever", "counted"),
    resolves: fc.constantFrom("when-open", "at-once"),
    reconnect: fc.boolean(),
    abortOnAuthError: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), policies, (course, policy) => {
      let state: State<Named> = states.idle;
      const at = { attached: false, timer: false, dial: false, resolved: 0, finished: 0 };
      for (const one of [events.connect, ...course]) {
        // What only a timer or a dial can cause comes only from one.
        if (one.type === "due" && !at.timer) continue;
        if ((one.type === "failed" || one.type === "ended") && !at.dial) continue;
        if (one.type === "failed" && state.kind !== "dialling" && state.kind !== "closing") continue;
        if (one.type === "ended" && state.kind === "dialling") continue;
        if (one.type === "due") at.timer = false;
        if (one.type === "failed" || one.type === "ended") at.dial = false;
        const step: Step<Named> = next<Named>(state, one, policy);
        state = step.state;
        for (const effect of step.effects) {
          assert.equal(at.finished, 0, `${effect.do} after finish`);
          switch (effect.do) {
            case "attach":
              assert.equal(at.attached, false);
              at.attached = true;
              break;
            case "detach":
              assert.equal(at.attached, true);
              at.attached = false;
              break;
            case "wait":
              assert.equal(at.timer, false);
              at.timer = true;
              break;
            case "stopWaiting":
              at.timer = false;
              break;
            case "dial":
              assert.equal(at.dial, false);
              at.dial = true;
              break;
            case "resolveConnect":
              at.resolved++;
              break;
            case "finish":
              assert.equal(at.attached, false);
              at.finished++;
          }
        }
        assert.equal(at.attached, state.kind === "open" || state.kind === "moving");
        assert.ok(at.resolved <= 1);
        assert.equal(at.finished, state.kind === "closed" ? 1 : 0);
        assert.equal(at.timer, state.kind === "waiting");
        assert.equal(at.dial, ["dialling", "open", "moving", "leaving", "closing"].includes(state.kind));
      }
    }),
  );
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ConnectionError } from "holdfast";
import type { Policy, Search, SessionEvent, State } from "../packages/client/src/session/lifecycle.ts";
import { next } from "../packages/client/src/session/state.ts";
import { root } from "../scripts/shared/node.ts";

const server = { listen: "127.0.0.1:4222" };
type Server = typeof server;
const error = new ConnectionError("gone");
const search: Search = { stage: "again", error, auth: error.name };

const states: readonly State<Server>[] = [
  { kind: "idle" },
  { kind: "choosing", search },
  { kind: "waiting", search, server },
  { kind: "waiting", search, server: undefined },
  { kind: "dialling", search, server },
  { kind: "open", server },
  { kind: "moving", server, reason: "forced" },
  { kind: "leaving", search, server, reason: "forced" },
  { kind: "closing", error },
  { kind: "closed", error },
];

const events: readonly SessionEvent<Server>[] = [
  { type: "connect" },
  { type: "notDue", delayMs: 1 },
  { type: "chosen", server, delayMs: 0 },
  { type: "exhausted" },
  { type: "handlerFailed", error },
  { type: "due" },
  { type: "poolChanged" },
  { type: "opened" },
  { type: "failed", failure: { kind: "fatal", error } },
  { type: "failed", failure: { kind: "auth", error } },
  { type: "drop", reason: "stale" },
  { type: "move", reason: "forced" },
  { type: "left" },
  { type: "ended", error, proven: true },
  { type: "close", error },
];

const policies = ([true, false] as const).flatMap((reconnect) =>
  (["when-open", "at-once"] as const).map(
    (resolves): Policy => ({ first: "counted", resolves, reconnect, abortOnAuthError: reconnect }),
  ),
);

test("the diagram in docs/DESIGN.md has every transition of the session's state machine, and no other", () => {
  const real = new Set<string>();
  for (const state of states)
    for (const event of events)
      for (const policy of policies) {
        const { kind } = next(state, event, policy).state;
        if (kind !== state.kind) real.add(`${state.kind} --> ${kind}`);
      }
  const diagram =
    /```mermaid\nstateDiagram-v2\n([\s\S]*?)```/.exec(readFileSync(join(root, "docs/DESIGN.md"), "utf8"))?.[1] ?? "";
  const drawn = new Set([...diagram.matchAll(/^ {2}(\w+ --> \w+)(?::|$)/gm)].map(([, arrow]) => arrow));
  assert.deepEqual([...drawn].sort(), [...real].sort());
});

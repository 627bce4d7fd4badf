import assert from "node:assert/strict";
import { test } from "node:test";
import { NoRespondersError, PermissionViolationError, RequestError, TimeoutError } from "@nats-io/nats-core";
import {
  type CallTrace,
  callTrace,
  RequestTraces,
  requestError,
  timeoutError,
  toError,
  withTrace,
} from "../../src/client/trace.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

function ourFunction(): CallTrace {
  return callTrace(false, ourFunction);
}

function usersFunction(): CallTrace {
  return ourFunction();
}

test("errors carry the stack of the user's call, without our own functions", () => {
  for (const error of [timeoutError(usersFunction()), requestError(new NoRespondersError("s"), usersFunction())]) {
    assert.match(error.stack ?? "", /at usersFunction/);
    assert.doesNotMatch(error.stack ?? "", /at ourFunction/);
    assert.equal(error.stack?.split("\n")[0], `${error.name}: ${error.message}`);
  }
});

test("errors are nats-core's, with the cause in a RequestError", () => {
  const cause = new NoRespondersError("s");
  const error = requestError(cause, undefined);
  assert.ok(error instanceof RequestError && error.isNoResponders());
  assert.equal(error.message, "no responders: 's'");
  assert.ok(timeoutError(undefined) instanceof TimeoutError);
});

test("noAsyncTraces leaves the trace out", () => {
  assert.equal(callTrace(true, usersFunction), undefined);
});

test("a permission violation is not written to: all whom it concerns share it", () => {
  const shared = new PermissionViolationError("no", "subscription", "s", "q");
  const stack = shared.stack;
  const own = withTrace(shared, usersFunction());
  assert.equal(shared.stack, stack);
  assert.ok(own instanceof PermissionViolationError);
  assert.deepEqual([own.message, own.operation, own.subject, own.queue], ["no", "subscription", "s", "q"]);
  assert.match(own.stack ?? "", /at usersFunction/);
});

test("anything thrown becomes an error", () => {
  const error = new Error("x");
  assert.equal(toError(error), error);
  assert.equal(toError("text").message, "text");
  assert.equal(toError(undefined).message, "undefined");
});

test("of the requests of a second the first 1 000 have a trace, and with noAsyncTraces none", () => {
  const clock = new VirtualClock();
  const traces = new RequestTraces(false, clock);
  const traced = (calls: number): number => {
    let count = 0;
    for (let i = 0; i < calls; i++) if (traces.take(usersFunction) !== undefined) count++;
    return count;
  };
  assert.deepEqual([traced(600), traced(600), traced(5)], [600, 400, 0]);
  clock.advance(999);
  assert.equal(traced(5), 0);
  clock.advance(1);
  assert.equal(traced(2_000), 1_000);
  // What a quiet second left over is not added to a busy one.
  clock.advance(5_000);
  assert.equal(traced(1), 1);
  clock.advance(5_000);
  assert.equal(traced(2_000), 1_000);
  assert.equal(new RequestTraces(true, clock).take(usersFunction), undefined);
});

import { PermissionViolationError, RequestError, TimeoutError } from "@nats-io/nats-core";
import type { Runtime } from "../runtime.ts";

/**
 * Where an asynchronous call was made, so that an error that comes later can say so. Costs some microseconds a call;
 * `noAsyncTraces` switches it off.
 */
export type CallTrace = { stack?: string } | undefined;

/** `called` is our function that the user has called: the trace begins with its caller. */
export function callTrace(noAsyncTraces: boolean, called: (...args: never[]) => unknown): CallTrace {
  if (noAsyncTraces) return undefined;
  const trace = {};
  Error.captureStackTrace(trace, called);
  return trace;
}

/** So many requests a second have a trace, ms and calls: at this rate they cost half a percent of a core, at 100 000 a second half of one. */
const TRACED_MS = 1000;
const TRACED_CALLS = 1000;

/** `callTrace()` for requests: those beyond the first 1 000 of a second have none. */
export class RequestTraces {
  readonly #now: (() => number) | undefined;
  #since = -Infinity;
  #left = 0;

  constructor(noAsyncTraces: boolean, runtime: Pick<Runtime, "now">) {
    this.#now = noAsyncTraces ? undefined : () => runtime.now();
  }

  /** See `callTrace()`. */
  take(called: (...args: never[]) => unknown): CallTrace {
    if (this.#now === undefined) return undefined;
    const now = this.#now();
    if (now - this.#since >= TRACED_MS) {
      this.#since = now;
      this.#left = TRACED_CALLS;
    }
    if (this.#left === 0) return undefined;
    this.#left--;
    return callTrace(false, called);
  }
}

/** nats-core's `TimeoutError`, with the stack of the call. */
export function timeoutError(trace: CallTrace): TimeoutError {
  return placed(new TimeoutError(), trace);
}

/** nats-core's `RequestError` around `cause`, with the stack of the call. */
export function requestError(cause: Error, trace: CallTrace): RequestError {
  return placed(new RequestError(cause.message, { cause }), trace);
}

/**
 * `error` with the call's stack behind its own. A permission violation is shared by all it concerns, so it is not written to.
 */
export function withTrace(error: Error, trace: CallTrace): Error {
  if (trace === undefined) return error;
  const own = error instanceof PermissionViolationError ? copyOf(error) : error;
  own.stack = `${error.stack}\n\nCalled here:${framesOf(trace)}`;
  return own;
}

/** What somebody's code threw, as an error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}

function placed<E extends Error>(error: E, trace: CallTrace): E {
  if (trace !== undefined) error.stack = `${error.name}: ${error.message}${framesOf(trace)}`;
  return error;
}

/** Everything behind the first line, with the line end before it. */
function framesOf(trace: { stack?: string }): string {
  const stack = trace.stack ?? "";
  return stack.includes("\n") ? stack.slice(stack.indexOf("\n")) : "";
}

function copyOf(error: PermissionViolationError): PermissionViolationError {
  return new PermissionViolationError(error.message, error.operation, error.subject, error.queue, { cause: error });
}

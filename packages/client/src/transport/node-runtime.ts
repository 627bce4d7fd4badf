import type { Runtime, Timer } from "../runtime.ts";

/** The longest delay `setTimeout` takes; it runs longer ones at once. */
const longestDelay = 2 ** 31 - 1;

/** Time, deferral and randomness of this Node process. */
export const nodeRuntime: Runtime = {
  now: () => performance.now(),
  epoch: () => Date.now(),
  timer: startTimer,
  defer: (task) => process.nextTick(task),
  nextTurn: (task) => {
    setImmediate(task);
  },
  random: () => Math.random(),
};

/**
 * A timer that may be longer than `setTimeout` allows and never runs early by `now()`: Node counts whole milliseconds from the start
 * of the turn, so its own timers can be up to a millisecond early. Both are one loop: sleep again until the time has come.
 */
function startTimer(delayMs: number, task: () => void): Timer {
  // NaN would compare false with everything and never be due.
  const due = performance.now() + (delayMs > 0 ? delayMs : 0);
  let holds = true;
  let sleeping: NodeJS.Timeout = sleep();

  function sleep(): NodeJS.Timeout {
    const left = Math.ceil(due - performance.now());
    const timeout = setTimeout(wake, Math.min(Math.max(left, 0), longestDelay));
    return holds ? timeout : timeout.unref();
  }

  function wake(): void {
    if (performance.now() >= due) task();
    else sleeping = sleep();
  }

  return {
    cancel: () => clearTimeout(sleeping),
    keepAlive: (hold) => {
      holds = hold;
      if (hold) sleeping.ref();
      else sleeping.unref();
    },
  };
}

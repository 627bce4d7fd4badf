import type { Runtime, Timer } from "../runtime.ts";
import { seededRandom } from "./seeded-random.ts";
import { type ScheduledTask, TimerHeap } from "./timer-heap.ts";

/** Options of a {@link VirtualClock}. */
export interface VirtualClockOptions {
  /** Seed of `random()` (default 1). */
  readonly seed?: number;
  /** What `now()` says at the beginning, in milliseconds (default 0). */
  readonly start?: number;
  /** What `epoch()` says at the beginning, in milliseconds (default 2026-01-01T00:00:00Z). It moves with `now()`. */
  readonly epoch?: number;
  /**
   * How many tasks may run without the time moving on before the clock calls it an endless loop and throws (default 1 000 000).
   */
  readonly maxTasksAtOnce?: number;
}

/** What is still to run on a {@link VirtualClock}. All zero means that nothing was left behind. */
export interface PendingTasks {
  readonly timers: number;
  /** Of the timers, those that keep the process alive. */
  readonly keptAlive: number;
  /** Tasks given to `defer()`. */
  readonly deferred: number;
  /** Tasks given to `nextTurn()`. */
  readonly turns: number;
}

/**
 * A {@link Runtime} whose time stands still until a test moves it, so that an hour takes a moment and every schedule can be
 * replayed.
 *
 * Tasks run one at a time, in an order that depends on nothing but the calls made. Deferred tasks go before anything else. Then
 * turns alternate as in Node's event loop: the timers that are due, by due time and, among equals, by creation; then the tasks of
 * `nextTurn()`. What a turn adds (also a timer of 0 ms) belongs to the next one. Time moves only when nothing is left to do at
 * this moment. An error thrown by a task comes out of the call that ran it; the rest can go on after it.
 *
 * The plain methods run tasks in a row: code that awaits promises does not get on in between. The methods ending in `Async` let
 * all promise jobs run before each task, as the event loop does; they cost a real turn of the event loop a task.
 */
export class VirtualClock implements Runtime {
  readonly #random: () => number;
  readonly #epochOffset: number;
  readonly #maxTasksAtOnce: number;
  readonly #timers: TimerHeap = new TimerHeap();
  #deferred: (() => void)[] = [];
  #turns: (() => void)[] = [];
  /** How many tasks of the present turn are still to run; those behind them belong to the next. */
  #turnLeft = 0;
  /** Timers up to this one may run in the present turn. */
  #lastTimerOfTurn = 0;
  #now: number;
  #sequence = 0;
  #tasksAtOnce = 0;
  #running = false;

  constructor(options: VirtualClockOptions = {}) {
    const { seed = 1, start = 0, epoch = Date.UTC(2026, 0, 1), maxTasksAtOnce = 1_000_000 } = options;
    this.#random = seededRandom(seed);
    this.#now = start;
    this.#epochOffset = epoch - start;
    this.#maxTasksAtOnce = maxTasksAtOnce;
  }

  now(): number {
    return this.#now;
  }

  epoch(): number {
    return this.#now + this.#epochOffset;
  }

  /**
   * As in `Runtime`. A negative delay counts as 0; throws a `RangeError` for one that is not finite: that timer would only leak.
   */
  timer(delayMs: number, task: () => void): Timer {
    if (!Number.isFinite(delayMs)) throw new RangeError(`timer(${delayMs}): expected a finite number of milliseconds`);
    const due = this.#now + Math.max(0, delayMs);
    const entry: ScheduledTask = { due, sequence: ++this.#sequence, task, index: -1, keepsAlive: true };
    this.#timers.add(entry);
    return {
      cancel: () => this.#timers.remove(entry),
      keepAlive: (hold) => {
        entry.keepsAlive = hold;
      },
    };
  }

  defer(task: () => void): void {
    this.#deferred.push(task);
  }

  nextTurn(task: () => void): void {
    this.#turns.push(task);
  }

  random(): number {
    return this.#random();
  }

  /** What is still to run. */
  get pending(): PendingTasks {
    return {
      timers: this.#timers.size,
      keptAlive: this.#timers.keptAlive,
      deferred: this.#deferred.length,
      turns: this.#turns.length,
    };
  }

  /** When the next timer is due, or `null` without one. */
  get nextTimer(): number | null {
    return this.#timers.first()?.due ?? null;
  }

  /** Runs everything that is due within the next `ms` milliseconds (default 0: only what is due now); then it is `ms` later. */
  advance(ms: number = 0): void {
    this.runUntil(this.#now + ms);
  }

  /** Runs everything that is due until `time`; then `now()` is `time`. Throws a `RangeError` for a time in the past. */
  runUntil(time: number): void {
    this.#checkTime(time);
    while (this.#step(time));
    this.#moveTo(time);
  }

  /**
   * Runs until nothing is pending. Throws when more than `maxTasks` (default 1 000 000) tasks ran: a timer that sets itself again
   * never ends.
   */
  runAll(maxTasks: number = 1_000_000): void {
    for (let count = 0; this.#step(Number.POSITIVE_INFINITY); count++) this.#checkCount(count, maxTasks);
  }

  /** `advance()` that lets promise jobs run before each task and at the end. */
  advanceAsync(ms: number = 0): Promise<void> {
    return this.runUntilAsync(this.#now + ms);
  }

  /** `runUntil()` that lets promise jobs run before each task and at the end. */
  async runUntilAsync(time: number): Promise<void> {
    this.#checkTime(time);
    await promiseJobs();
    while (this.#step(time)) await promiseJobs();
    this.#moveTo(time);
  }

  /** `runAll()` that lets promise jobs run before each task and at the end. */
  async runAllAsync(maxTasks: number = 1_000_000): Promise<void> {
    await promiseJobs();
    for (let count = 0; this.#step(Number.POSITIVE_INFINITY); count++) {
      this.#checkCount(count, maxTasks);
      await promiseJobs();
    }
  }

  /**
   * Lets time pass without running anything: an event loop that was blocked, or a machine that slept. What is overdue runs at the
   * next call.
   */
  block(ms: number): void {
    this.#checkTime(this.#now + ms);
    this.#moveTo(this.#now + ms);
  }

  /** Runs one task that is due until `limit`, moving the time to it. False when there is none. */
  #step(limit: number): boolean {
    if (this.#running) throw new Error("a task on the virtual clock may not move the clock itself");
    const task = this.#take(limit);
    if (task === undefined) return false;
    this.#tasksAtOnce += 1;
    if (this.#tasksAtOnce > this.#maxTasksAtOnce) {
      throw new Error(`${this.#maxTasksAtOnce} tasks ran at ${this.#now} ms and there are still more: the time does not move on`);
    }
    this.#running = true;
    try {
      task();
    } finally {
      this.#running = false;
    }
    return true;
  }

  /** Takes out the task that is next. */
  #take(limit: number): (() => void) | undefined {
    if (this.#deferred.length > 0) return this.#deferred.shift();
    if (this.#turnLeft > 0) return this.#takeFromTurn();
    const timer = this.#timers.first();
    if (timer !== undefined && timer.due <= this.#now && timer.sequence <= this.#lastTimerOfTurn) return this.#takeTimer(timer);
    if (this.#turns.length > 0) {
      this.#turnLeft = this.#turns.length;
      return this.#takeFromTurn();
    }
    if (timer === undefined || timer.due > limit) return undefined;
    this.#lastTimerOfTurn = this.#sequence;
    return this.#takeTimer(timer);
  }

  #takeFromTurn(): (() => void) | undefined {
    this.#turnLeft -= 1;
    if (this.#turnLeft === 0) this.#lastTimerOfTurn = this.#sequence;
    return this.#turns.shift();
  }

  #takeTimer(timer: ScheduledTask): () => void {
    this.#timers.remove(timer);
    this.#moveTo(timer.due);
    return timer.task;
  }

  #moveTo(time: number): void {
    if (time <= this.#now) return;
    this.#now = time;
    this.#tasksAtOnce = 0;
  }

  #checkTime(time: number): void {
    if (!Number.isFinite(time) || time < this.#now)
      throw new RangeError(`the virtual clock is at ${this.#now} ms and cannot go to ${time}`);
  }

  #checkCount(count: number, maxTasks: number): void {
    if (count >= maxTasks)
      throw new Error(`${maxTasks} tasks ran and there are still more: some timer sets itself again for ever`);
  }
}

/** Resolves when all promise jobs and `process.nextTick` tasks that are due have run. */
function promiseJobs(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

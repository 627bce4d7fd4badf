/** How `waitForLog()` waits. */
export interface WaitForLogOptions {
  /** Reject after this many milliseconds (default 10 000). */
  readonly timeoutMs?: number;
  /** `"start"` (default): lines already logged count too. `"now"`: only lines that come after the call. */
  readonly after?: "start" | "now";
}

interface Waiter {
  readonly pattern: RegExp;
  found(line: string): void;
  failed(reason: string): void;
}

/** A line without an end is cut here, so that a program that never ends its line costs no more memory than this. */
const longestLine = 64 * 1024;

/** What a server printed: the newest lines up to a number of characters, and a way to wait for a line. */
export class ServerLog {
  readonly #limit: number;
  readonly #onLine: (line: string) => void;
  readonly #waiters: Set<Waiter> = new Set();
  #lines: string[] = [];
  #characters = 0;

  /** Keeps the newest lines of at most `limit` characters together, and calls `onLine` for each line as it comes. */
  constructor(limit: number, onLine: (line: string) => void) {
    this.#limit = limit;
    this.#onLine = onLine;
  }

  /** A function that takes the text of one output stream in pieces. Lines of several streams are interleaved, never mixed. */
  source(): (text: string) => void {
    let unfinished = "";
    return (text) => {
      const lines = (unfinished + text).split(/\r?\n/);
      unfinished = lines.pop() ?? "";
      for (const line of lines) this.#add(line);
      if (unfinished.length <= longestLine) return;
      this.#add(unfinished);
      unfinished = "";
    };
  }

  /** Everything kept, oldest line first. */
  text(): string {
    return this.#lines.join("\n");
  }

  /** Resolves with the first line that matches. Rejects at the time limit, or when the log is closed, with the last lines. */
  waitFor(pattern: RegExp, options: WaitForLogOptions = {}): Promise<string> {
    const { timeoutMs = 10_000, after = "start" } = options;
    if (after === "start") {
      // search(), not test(): it does not move the lastIndex of a pattern with the g flag.
      const present = this.#lines.find((line) => line.search(pattern) !== -1);
      if (present !== undefined) return Promise.resolve(present);
    }
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        pattern,
        found: (line) => {
          end();
          resolve(line);
        },
        failed: (reason) => {
          end();
          reject(new Error(`${reason} before the server logged ${String(pattern)}; its last lines:\n${this.tail()}`));
        },
      };
      const timer = setTimeout(() => waiter.failed(`${timeoutMs} ms passed`), timeoutMs);
      this.#waiters.add(waiter);
    });
  }

  /** The last `count` lines, for error messages. */
  tail(count: number = 15): string {
    return this.#lines.slice(-count).join("\n");
  }

  /** Rejects everyone who still waits. */
  close(reason: string): void {
    for (const waiter of [...this.#waiters]) waiter.failed(reason);
  }

  #add(line: string): void {
    this.#lines.push(line);
    this.#characters += line.length + 1;
    if (this.#characters > this.#limit) this.#forgetOldest();
    for (const waiter of [...this.#waiters]) {
      if (line.search(waiter.pattern) !== -1) waiter.found(line);
    }
    this.#onLine(line);
  }

  /** Forgets a quarter more than needed, so that a full log does not move its array for every line. */
  #forgetOldest(): void {
    const target = this.#limit * 0.75;
    let gone = 0;
    while (this.#characters > target && gone < this.#lines.length - 1) {
      this.#characters -= (this.#lines[gone]?.length ?? 0) + 1;
      gone += 1;
    }
    this.#lines = this.#lines.slice(gone);
  }
}

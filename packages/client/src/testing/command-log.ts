import type { WireFrame } from "./wire-reader.ts";

interface Waiter {
  found(command: WireFrame): void;
  failed(reason: Error): void;
}

/** The commands a client sent, in order, and a cursor with which a script reads them one after the other. */
export class CommandLog {
  readonly #limit: number;
  readonly #kept: WireFrame[] = [];
  readonly #waiters: Waiter[] = [];
  #keptBytes = 0;
  #seen = 0;
  #cursor = 0;
  #end: Error | null = null;

  /** Keeps commands of at most `limit` bytes together, the first ones. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** All commands kept, oldest first. */
  get all(): readonly WireFrame[] {
    return this.#kept;
  }

  /** How many commands came, those not kept included. */
  get seen(): number {
    return this.#seen;
  }

  /** Those that no call of `next()` has returned yet. */
  unread(): readonly WireFrame[] {
    return this.#kept.slice(this.#cursor);
  }

  add(command: WireFrame): void {
    this.#seen += 1;
    const size = command.end - command.start;
    // Once one was left out all later ones are: what is kept has no gap.
    if (this.#kept.length < this.#seen - 1 || this.#keptBytes + size > this.#limit) {
      for (const waiter of this.#waiters.splice(0)) waiter.failed(this.#tooMany());
      return;
    }
    this.#keptBytes += size;
    this.#kept.push(command);
    const waiter = this.#waiters.shift();
    if (waiter === undefined) return;
    this.#cursor += 1;
    waiter.found(command);
  }

  /** No more commands will come, because of `reason`. */
  close(reason: Error): void {
    this.#end ??= reason;
    for (const waiter of this.#waiters.splice(0)) waiter.failed(this.#end);
  }

  /**
   * The next command that was not read yet. Rejects when none comes within `timeoutMs` (`Infinity`: waits as long as it takes),
   * when the client closes first, and when the command was not kept.
   */
  next(wanted: string, timeoutMs: number): Promise<WireFrame> {
    const present = this.#kept[this.#cursor];
    if (present !== undefined) {
      this.#cursor += 1;
      return Promise.resolve(present);
    }
    if (this.#kept.length < this.#seen) return Promise.reject(this.#missing(wanted, this.#tooMany()));
    if (this.#end !== null) return Promise.reject(this.#missing(wanted, this.#end));
    return new Promise((resolve, reject) => {
      const late = (): void => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(this.#missing(wanted, new Error(`${timeoutMs} ms passed`)));
      };
      const timer = timeoutMs === Number.POSITIVE_INFINITY ? undefined : setTimeout(late, timeoutMs);
      const waiter: Waiter = {
        found: (command) => {
          clearTimeout(timer);
          resolve(command);
        },
        failed: (reason) => {
          clearTimeout(timer);
          reject(this.#missing(wanted, reason));
        },
      };
      this.#waiters.push(waiter);
    });
  }

  #missing(wanted: string, cause: Error): Error {
    return new Error(`${wanted} did not come: ${cause.message}; the client's last commands: ${this.#summary()}`, { cause });
  }

  #summary(): string {
    const last = this.#kept.slice(-5).map(({ verb, rest }) => `${verb} ${rest}`.trim().slice(0, 80));
    return last.length === 0 ? "none" : last.join(" | ");
  }

  #tooMany(): Error {
    return new Error(`more than ${this.#limit} bytes of commands came; raise the option recordBytes to read on`);
  }
}

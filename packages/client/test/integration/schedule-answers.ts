import type { WireFrame } from "../../src/testing/wire-reader.ts";
import type { Refusals } from "./schedule-steps.ts";

/** What a server has to say to what it read, in order: a PONG for each PING, and what its permissions forbid before the next of these. */
export class Answers {
  readonly #refusals: Refusals;
  readonly #send: (line: string) => boolean;
  #due: string[] = [];
  #forbidden = 0;

  /** `send` says whether the line went. */
  constructor(refusals: Refusals, send: (line: string) => boolean) {
    this.#refusals = refusals;
    this.#send = send;
  }

  ping(): void {
    this.#due.push("PONG");
  }

  /** A message was read: complains if its subject or reply is one of those that some may not use. */
  message({ args, headers }: WireFrame): void {
    const [subject = "", reply = ""] = args;
    const hasReply = args.length > (headers === null ? 2 : 3);
    if (subject.startsWith("p.")) this.#forbid(`to "${subject}"`);
    else if (hasReply && reply.startsWith("q.")) this.#forbid(`with Reply of "${reply}"`);
  }

  /** Says what is due, up to `most` PONGs; and what stands before the next. */
  give(most: number): void {
    for (let left = most, next = this.#due[0]; next !== undefined; next = this.#due[0]) {
      if (next === "PONG" && left-- <= 0) return;
      if (!this.#send(next)) return;
      this.#due.shift();
    }
  }

  #forbid(what: string): void {
    if (this.#refusals === "none") return;
    this.#forbidden++;
    const isOdd = this.#forbidden % 4 === 3;
    if (isOdd && this.#refusals === "withheld") return;
    const line = `-ERR 'Permissions Violation for Publish ${what}'`;
    this.#due.push(line);
    if (isOdd && this.#refusals === "doubled") this.#due.push(line);
  }
}

/** A mixture of allowed and denied messages in random order, and what became of each. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { Status } from "@nats-io/nats-core";
import { PermissionViolationError, RequestError } from "../../src/index.ts";
import { seededRandom } from "../../src/testing/index.ts";
import {
  type Line,
  type LineParts,
  type Observer,
  observe,
  openLine,
  openOfficial,
  pause,
  recordStatuses,
  textOf,
} from "./peers-harness.ts";

/** Where a message goes: one in four is denied unless told otherwise. */
export interface Target {
  readonly subject: string;
  readonly reply?: string;
  readonly denied: boolean;
}

/** How a message is published. */
export type Way = "publish" | "confirm" | "request";

interface Sent {
  readonly target: Target;
  readonly way: Way;
  /** What a promise of ours said: its error, or `null` when it resolved; `undefined` where there is no promise. */
  outcome?: unknown;
}

/** Whom the server refuses what. Who says no name may do everything. */
const authorization = {
  users: [
    { user: "limited", password: "p", permissions: { publish: { deny: ["no.>"] } } },
    { user: "all", password: "p" },
  ],
};

/** A server with permissions, a client with few of them, an observer with all. */
export class Mixture {
  readonly line: Line;
  readonly seen: Observer;
  readonly statuses: Status[];
  readonly sent: Sent[] = [];
  readonly #random: () => number;

  static async start(t: TestContext, seed: number, parts: LineParts = {}): Promise<Mixture> {
    t.diagnostic(`seed ${seed}`);
    const config = { authorization, no_auth_user: "all", mappings: { "ok.mapped": "no.target" } };
    const line = await openLine(t, { server: { config }, ...parts, client: { user: "limited", pass: "p", ...parts.client } });
    const service = await openOfficial(t, line.server.url);
    service.subscribe("ok.service", { callback: (_error, msg) => void msg.respond(msg.data) });
    const seen = await observe(t, line.server, "*.>");
    await service.flush();
    return new Mixture(line, seen, seededRandom(seed));
  }

  private constructor(line: Line, seen: Observer, random: () => number) {
    this.line = line;
    this.seen = seen;
    this.statuses = recordStatuses(line.nc);
    this.#random = random;
  }

  /** Publishes so many to random ones of `targets`, in random ways, with a turn of the loop now and then. */
  async send(count: number, targets: readonly Target[], ways: readonly Way[]): Promise<void> {
    const settled: Promise<void>[] = [];
    for (let i = 0; i < count; i++) {
      const sent: Sent = { target: this.#oneOf(targets), way: this.#oneOf(ways) };
      const text = `${this.sent.push(sent) - 1}`;
      const promise = this.#send(sent, text);
      if (promise !== undefined) settled.push(this.#note(sent, promise));
      if (this.#random() < 0.02) await pause(this.#random() * 3);
    }
    await this.line.nc.flush();
    await Promise.all(settled);
    await this.seen.settled();
    await this.line.handedBack();
  }

  /** Numbers of the messages that the server refused, in order. */
  get denied(): number[] {
    return [...this.sent.entries()].filter(([, { target }]) => target.denied).map(([number]) => number);
  }

  /** Numbers of those that were handed back as rejected, as they came; fails when any was handed back otherwise. */
  get rejected(): number[] {
    assert.ok(this.line.undelivered.every(({ state }) => state === "rejected"));
    return this.line.undelivered.map((message) => Number(textOf(message)));
  }

  /** Numbers of the messages that the observer got. */
  get arrived(): number[] {
    return this.seen.messages.filter(({ subject }) => /^(ok|no)\./.test(subject)).map((message) => Number(message.string()));
  }

  /** Subjects of the violations that `nc.status()` told of. */
  get told(): string[] {
    return this.statuses.flatMap((status) =>
      status.type === "error" && status.error instanceof PermissionViolationError ? [status.error.subject] : [],
    );
  }

  #send({ target, way }: Sent, text: string): Promise<unknown> | undefined {
    const { subject, reply } = target;
    const options = reply === undefined ? {} : { reply };
    const { nc } = this.line;
    if (way === "confirm") return nc.outbound.publishAndConfirm(subject, text, options);
    if (way === "request" && reply === undefined)
      return nc.request(target.denied ? subject : "ok.service", text, { timeout: 20_000 });
    nc.publish(subject, text, options);
    return undefined;
  }

  #note(sent: Sent, promise: Promise<unknown>): Promise<void> {
    return promise.then(
      () => {
        sent.outcome = null;
      },
      (error: unknown) => {
        sent.outcome = error instanceof RequestError ? error.cause : error;
      },
    );
  }

  #oneOf<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)] ?? assert.fail();
  }
}

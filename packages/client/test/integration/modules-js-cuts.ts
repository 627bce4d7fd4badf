/** Cuts at random places, and a load for them. */
import type { TestContext } from "node:test";
import { type JetStreamClient, jetstream } from "@nats-io/jetstream";
import type { JsLine } from "./modules-js-harness.ts";
import { statusOf } from "./peers-harness.ts";

/** The seed of this run, which is printed: `SEED=<number>` repeats it. */
export function seedOf(t: TestContext): number {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`seed ${seed}`);
  return seed;
}

/** Cuts the link some bytes further on, mostly in what comes from the server. Resolves when the client has the next one. */
export async function cutAt(js: JsLine, random: () => number): Promise<void> {
  const [connection] = js.line.proxy.connections;
  if (connection === undefined) throw new Error("the client has no connection");
  const back = statusOf(js.nc, "reconnect");
  const { toClient, toServer } = connection;
  if (random() < 0.75) toClient.cutAfter(toClient.forwarded + Math.floor(random() * 60_000));
  else toServer.cutAfter(toServer.forwarded + Math.floor(random() * 300));
  const late = setTimeout(() => void connection.cut(), 500);
  await back;
  clearTimeout(late);
}

/** Stores one message after the other, straight to the server, until it is stopped. */
export class Publisher {
  stored = 0;
  readonly #running: Promise<void>;
  #isStopped = false;

  constructor(js: JsLine) {
    this.#running = this.#run(jetstream(js.second));
  }

  stop(): Promise<void> {
    this.#isStopped = true;
    return this.#running;
  }

  async #run(js: JetStreamClient): Promise<void> {
    while (!this.#isStopped) {
      await js.publish("events", "x".repeat(500));
      this.stored += 1;
    }
  }
}

import { test } from "node:test";
import type { Msg } from "@nats-io/nats-core";
import { Both, type Client, describe, limit, outcome, texts } from "./compat-both.ts";
import { pause } from "./peers-harness.ts";

/** Where requests deliberately differ from nats.js: each test shows both. docs/COMPATIBILITY.md has the reasons. */
const both = new Both();

async function answering(client: Client, subject: string, answer: (msg: Msg) => void): Promise<void> {
  const peer = await client.peer();
  peer.subscribe(subject, { callback: (_error, msg) => answer(msg) });
  await peer.flush();
}

test("requests with noMux end when the connection is closed (nats.js: one never, one as if it were complete)", limit, () =>
  both.differ(
    async (client) => {
      const nc = await client.open();
      await answering(client, "silent", () => {});
      const one = nc.request("silent", "", { timeout: 60_000, noMux: true });
      const many = texts(await nc.requestMany("silent", "", { maxWait: 60_000, noMux: true }));
      const ends = [outcome(() => one), outcome(() => many)];
      await nc.flush();
      await nc.close();
      // What never comes is waited for a little while.
      const first = client.side === "holdfast" ? await ends[0] : await Promise.race([ends[0], pause(300).then(() => "nothing")]);
      return [first, await ends[1]];
    },
    {
      natsJs: ["nothing", []],
      // As both do through the shared inbox.
      holdfast: ["RequestError: connection closed (RequestError: connection closed)", "RequestError: connection closed"],
    },
  ),
);

test("requestMany() with noMux gives as many answers as were asked for (nats.js: also those behind them)", limit, () =>
  both.differ(
    async (client) => {
      const nc = await client.open();
      await answering(client, "many", (msg) => {
        for (const payload of ["1", "2", "", "4"]) msg.respond(payload);
      });
      const options = { maxWait: 20_000, noMux: true };
      return [
        await texts(await nc.requestMany("many", "", { ...options, strategy: "count", maxMessages: 2 })),
        await texts(await nc.requestMany("many", "", { ...options, strategy: "sentinel" })),
      ];
    },
    {
      natsJs: [
        ["1", "2", "", "4"],
        ["1", "2", "", "4"],
      ],
      holdfast: [
        ["1", "2"],
        ["1", "2", ""],
      ],
    },
  ),
);

test("requestMany() with noMux heeds stall (nats.js: always 300 ms)", limit, () =>
  both.differ(
    async (client) => {
      const nc = await client.open();
      await answering(client, "stall", (msg) => {
        msg.respond("1");
        setTimeout(() => msg.respond("2"), 500);
      });
      const options = { strategy: "stall", stall: 1_500, maxWait: 20_000, noMux: true } as const;
      return await texts(await nc.requestMany("stall", "", options));
    },
    { natsJs: ["1"], holdfast: ["1", "2"] },
  ),
);

test("an unknown strategy is refused (nats.js: taken for timer)", limit, () =>
  both.differ(
    async (client) => {
      const nc = await client.open();
      await answering(client, "many", (msg) => msg.respond("1"));
      const options: unknown = { strategy: "forever", maxWait: 500 };
      const answers = outcome(async () => texts(await Reflect.apply(nc.requestMany, nc, ["many", "", options])));
      return String(await answers).slice(0, 40);
    },
    { natsJs: "1", holdfast: "InvalidArgumentError: 'strategy' must be" },
  ),
);

test("a request that cannot be published rejects, or throws in the loop (nats.js, with noMux: thrown at once)", limit, () =>
  both.differ(
    async (client) => {
      const nc = await client.open();
      const large = new Uint8Array((nc.info?.max_payload ?? 0) + 1);
      const seen: unknown[] = [];
      const calls = [
        () => nc.request("a", large, { timeout: 1_000, noMux: true }),
        () => nc.requestMany("a", large, { maxWait: 1_000, noMux: true }),
      ];
      for (const call of calls) {
        try {
          const result: unknown = await call().catch((error: unknown) => `rejected: ${describe(error)}`);
          seen.push(typeof result === "string" ? result : "an iterator");
        } catch (error) {
          seen.push(`thrown: ${error instanceof Error ? error.name : ""}`);
        }
      }
      return seen;
    },
    {
      natsJs: ["thrown: InvalidArgumentError", "thrown: ReferenceError"],
      holdfast: ["rejected: InvalidArgumentError: 'payload' max_payload size exceeded", "an iterator"],
    },
  ),
);

test("respond() on a closed connection throws (nats.js: it says true, and nothing is sent)", limit, () =>
  both.differ(
    async (client) => {
      const nc = await client.open();
      const peer = await client.peer();
      const sub = nc.subscribe("ask", { max: 1 });
      await nc.flush();
      peer.publish("ask", "", { reply: "answers" });
      for await (const msg of sub) {
        await nc.close();
        return await outcome(() => msg.respond("late"));
      }
      return undefined;
    },
    { natsJs: true as unknown, holdfast: "ClosedConnectionError: closed connection" },
  ),
);

test("of the requests of one second the first 1 000 say where they were made when they fail (nats.js: all)", limit, () =>
  both.differ(
    async (client) => {
      const nc = await client.open();
      // Made in one turn, so that all fall into one second.
      const errors = await Promise.all(
        Array.from({ length: 1_200 }, () => nc.request("nobody", "", { timeout: 20_000 }).catch((error: unknown) => error)),
      );
      return errors.filter((error) => error instanceof Error && error.stack?.includes("compat-differences-requests") === true)
        .length;
    },
    { natsJs: 1_200, holdfast: 1_000 },
  ),
);

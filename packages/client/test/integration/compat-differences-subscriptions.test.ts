import { test } from "node:test";
import { startFakeServer } from "../../src/testing/index.ts";
import { Both, describe, limit, outcome, recordStatuses } from "./compat-both.ts";
import { pause, until } from "./peers-harness.ts";

/** Where subscriptions deliberately differ from nats.js: each test shows both. docs/COMPATIBILITY.md has the reasons. */
const both = new Both();

test("a callback that throws is told as a status error, and the client goes on (nats.js: it reads nothing more)", limit, (t) => {
  // nats.js says so on the console.
  t.mock.method(console, "log", () => {});
  return both.differ(
    async (client) => {
      const nc = await client.open();
      const statuses = recordStatuses(nc);
      let calls = 0;
      nc.subscribe("thrown", {
        callback: () => {
          calls++;
          throw new Error("mine");
        },
      });
      await nc.flush();
      for (let n = 0; n < 2; n++) {
        nc.publish("thrown");
        await Promise.race([nc.flush(), pause(500)]);
      }
      return [calls, statuses.map((status) => (status.type === "error" ? describe(status.error) : status.type))];
    },
    { natsJs: [1, []], holdfast: [2, ["Error: mine", "Error: mine"]] },
  );
});

test(
  "timeout ends a subscription with a callback, unless a message came (nats.js: it goes on, and a message stops nothing)",
  limit,
  () =>
    both.differ(
      async (client) => {
        const nc = await client.open();
        const calls: unknown[] = [];
        const record = (name: string) => (error: Error | null) => void calls.push([name, error && describe(error)]);
        const late = nc.subscribe("late", { timeout: 1_000, callback: record("late") });
        nc.subscribe("early", { timeout: 1_000, callback: record("early") });
        nc.publish("early");
        await nc.flush();
        await until("the timeout", () => calls.length >= (client.side === "nats.js" ? 3 : 2));
        await pause(50);
        nc.publish("late");
        nc.publish("early");
        await nc.flush();
        const closed = await Promise.race([late.closed, pause(100).then(() => "open")]);
        return [calls, closed instanceof Error ? describe(closed) : closed];
      },
      {
        natsJs: [
          [
            ["early", null],
            ["late", "TimeoutError: timeout"],
            ["early", "TimeoutError: timeout"],
            ["late", null],
            ["early", null],
          ],
          "open",
        ],
        holdfast: [
          [
            ["early", null],
            ["late", "TimeoutError: timeout"],
            ["early", null],
          ],
          "TimeoutError: timeout",
        ],
      },
    ),
);

test("beside an error a callback gets a message with nothing in it (nats.js: an object without any member)", limit, () =>
  both.differ(
    async (client) => {
      const nc = await client.open();
      const seen = await new Promise<unknown>((resolve) => {
        nc.subscribe("late", { timeout: 20, callback: (_error, msg) => resolve([msg.subject, typeof msg.string]) });
      });
      return seen;
    },
    { natsJs: [undefined, "undefined"] as unknown, holdfast: ["", "function"] },
  ),
);

test("an error comes to a reader behind what had arrived before it (nats.js: in its place)", limit, () =>
  both.differ(
    async (client) => {
      const server = await startFakeServer();
      client.afterwards(() => server.stop());
      const nc = await client.open({ servers: server.url });
      const statuses = recordStatuses(nc);
      const sub = nc.subscribe("read");
      await nc.flush();
      const [connection] = server.connections;
      for (const payload of ["1", "2"]) connection?.message({ sid: sub.getID(), subject: "read", payload });
      connection?.error('Permissions Violation for Subscription to "read"');
      await until("the error", () => statuses.length > 0);
      const got: unknown[] = [];
      const end = await outcome(async () => {
        for await (const msg of sub) got.push(msg.string());
      });
      return [got, end];
    },
    {
      natsJs: [[], 'PermissionViolationError: Permissions Violation for Subscription to "read"'],
      holdfast: [["1", "2"], 'PermissionViolationError: Permissions Violation for Subscription to "read"'],
    },
  ),
);

test("numbers and queues that no server takes are refused (nats.js: sent; some end the connection)", limit, () =>
  both.differ(
    async (client) => {
      const calls: ((nc: Awaited<ReturnType<typeof client.open>>) => unknown)[] = [
        (nc) => nc.subscribe("a", { queue: "two words" }),
        (nc) => nc.subscribe("a", { max: -1 }),
        (nc) => nc.subscribe("a", { max: 1.5 }),
        (nc) => nc.subscribe("a".repeat(5_000)),
        (nc) => nc.subscribe("a").unsubscribe(-1),
      ];
      const seen: unknown[] = [];
      for (const call of calls) {
        const nc = await client.open();
        const statuses = recordStatuses(nc);
        const result = await outcome(() => call(nc));
        await outcome(() => nc.flush());
        await outcome(() => nc.flush());
        const isRefused = typeof result === "string" && result.startsWith("InvalidArgumentError: ");
        seen.push([isRefused, statuses.some(({ type }) => type === "disconnect" || type === "error")]);
      }
      return seen;
    },
    {
      natsJs: [
        [false, true],
        [false, false],
        [false, false],
        [false, true],
        [false, false],
      ],
      holdfast: Array.from({ length: 5 }, () => [true, false]),
    },
  ),
);

test("getMax() says what was asked for, also afterwards (nats.js: nothing once it has ended)", limit, () =>
  both.differ(
    async (client) => {
      const nc = await client.open();
      const sub = nc.subscribe("a", { max: 1, callback: () => {} });
      nc.publish("a");
      await nc.flush();
      return [sub.isClosed(), sub.getMax()];
    },
    { natsJs: [true, undefined], holdfast: [true, 1] },
  ),
);

test("a message that goes straight to a waiting reader is not pending (nats.js: until the reader has run)", limit, () =>
  both.differ(
    async (client) => {
      const nc = await client.open();
      const told: number[] = [];
      const listening = (async () => {
        for await (const status of nc.status()) if (status.type === "slowConsumer") told.push(status.pending);
      })();
      const sub = nc.subscribe("slow", { slow: 2 });
      const reading = (async () => {
        let count = 0;
        for await (const _ of sub) if (++count === 3) break;
      })();
      await nc.flush();
      for (let n = 0; n < 3; n++) nc.publish("slow");
      await reading;
      await nc.close();
      await listening;
      return told;
    },
    { natsJs: [3], holdfast: [] },
  ),
);

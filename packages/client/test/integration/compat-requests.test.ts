import { test } from "node:test";
import { headers, type Msg, type NatsConnection, RequestError, type RequestManyOptions } from "@nats-io/nats-core";
import { Both, type Client, describe, limit, outcome, texts } from "./compat-both.ts";
import { until } from "./peers-harness.ts";

/** Requests, with every option: each scenario is run with the official client and with Holdfast, and must come to the same. */
const both = new Both();

/** Through the shared inbox and through one of its own. The last one left its loop after the first answer. */
const manyOutcomes = [
  "NoRespondersError: no responders: 'nobody'",
  "InvalidArgumentError: 'timeout' must be greater than 0",
  "InvalidSubjectError: illegal subject: 'a b'",
  ["1"],
];

/** A service on a connection of its own that answers each request with these payloads. */
async function answering(client: Client, subject: string, payloads: readonly string[]): Promise<NatsConnection> {
  const peer = await client.peer();
  peer.subscribe(subject, {
    callback: (_error, msg) => {
      for (const payload of payloads) msg.respond(payload);
    },
  });
  await peer.flush();
  return peer;
}

/** What was asked, and where the answer is to go. */
async function recordingService(client: Client, subject: string, answer: string | undefined): Promise<Msg[]> {
  const peer = await client.peer();
  const asked: Msg[] = [];
  peer.subscribe(subject, {
    callback: (_error, msg) => {
      asked.push(msg);
      if (answer !== undefined) msg.respond(answer);
    },
  });
  await peer.flush();
  return asked;
}

test("as in nats.js: request() resolves with the first answer", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      const asked = await recordingService(client, "ask", "answer");
      const answer = await nc.request("ask", "question");
      return [answer.string(), asked.map((msg) => msg.string())];
    },
    ["answer", ["question"]],
  ),
);

test("as in nats.js: RequestOptions.timeout ends the waiting with TimeoutError", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      await recordingService(client, "ask", undefined);
      const short = [
        await outcome(() => nc.request("ask", "", { timeout: 30 })),
        await outcome(() => nc.request("ask", "", { timeout: 30, noMux: true })),
      ];
      // An answer after more than the default second.
      const peer = await client.peer();
      peer.subscribe("late", { callback: (_error, msg) => void setTimeout(() => msg.respond("late"), 1_100) });
      await peer.flush();
      const long = await nc.request("late", "", { timeout: 20_000 });
      return [...short, long.string(), await outcome(() => nc.request("ask", "", { timeout: -1 }))];
    },
    ["TimeoutError: timeout", "TimeoutError: timeout", "late", "InvalidArgumentError: 'timeout' must be greater than 0"],
  ),
);

test("as in nats.js: RequestOptions.headers go with the request", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      const asked = await recordingService(client, "ask", "answer");
      const named = headers();
      named.set("A", "1");
      await nc.request("ask", "", { timeout: 10_000, headers: named });
      await nc.request("ask", "", { timeout: 10_000, headers: named, noMux: true });
      return asked.map((msg) => msg.headers?.get("A"));
    },
    ["1", "1"],
  ),
);

test("as in nats.js: RequestOptions.noMux has an inbox of its own, with it each request; without, they share one", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      const asked = await recordingService(client, "ask", "answer");
      for (const noMux of [false, false, true, true]) await nc.request("ask", "", { timeout: 10_000, noMux });
      const [a, b, c, d] = asked.map((msg) => (msg.reply ?? "").split("."));
      // A shared inbox is _INBOX.<id>.<token>, one of its own is _INBOX.<id>.
      return [a?.length, a?.[1] === b?.[1], a?.[2] !== b?.[2], c?.length, d?.length, c?.[1] !== d?.[1]];
    },
    [3, true, true, 2, 2, true],
  ),
);

test("as in nats.js: RequestOptions.reply is where the answer comes, and needs noMux", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      const asked = await recordingService(client, "ask", "answer");
      const answer = await nc.request("ask", "", { timeout: 10_000, noMux: true, reply: "my.inbox" });
      return [
        answer.string(),
        answer.subject,
        asked.map((msg) => msg.reply),
        await outcome(() => nc.request("ask", "", { timeout: 1_000, reply: "my.inbox" })),
      ];
    },
    ["answer", "my.inbox", ["my.inbox"], "InvalidArgumentError: 'reply','noMux' are mutually exclusive"],
  ),
);

test("as in nats.js: a request that nobody listens to rejects with RequestError, caused by NoRespondersError", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      const seen: unknown[] = [];
      for (const noMux of [false, true]) {
        try {
          await nc.request("nobody", "", { timeout: 10_000, noMux });
        } catch (error) {
          seen.push(describe(error), error instanceof RequestError && error.isNoResponders());
        }
      }
      return seen;
    },
    [
      "RequestError: no responders: 'nobody' (NoRespondersError: no responders: 'nobody')",
      true,
      "RequestError: no responders: 'nobody' (NoRespondersError: no responders: 'nobody')",
      true,
    ],
  ),
);

test("as in nats.js: requests that wait when the connection is closed reject with RequestError", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      await recordingService(client, "ask", undefined);
      const asking = outcome(() => nc.request("ask", "", { timeout: 20_000 }));
      const many = outcome(async () => texts(await nc.requestMany("ask", "", { maxWait: 20_000 })));
      await nc.flush();
      await nc.close();
      return [await asking, await many];
    },
    // nats.js wraps its own RequestError for the one, and gives it as it is for the other.
    ["RequestError: connection closed (RequestError: connection closed)", "RequestError: connection closed"],
  ),
);

test("as in nats.js: requestMany() gathers answers until maxWait", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      await answering(client, "many", ["1", "2", "", "4"]);
      const late = await client.peer();
      // After more than the default second.
      late.subscribe("many", { callback: (_error, msg) => void setTimeout(() => msg.respond(`late to ${msg.string()}`), 1_100) });
      await late.flush();
      const ask = async (options: Partial<RequestManyOptions>): Promise<string[]> =>
        texts(await nc.requestMany("many", "a question", options));
      return await Promise.all([
        ask({ strategy: "timer", maxWait: 600, maxMessages: 1 }),
        ask({ strategy: "count", maxWait: 20_000, maxMessages: 5 }),
      ]);
    },
    [
      ["1", "2", "", "4"],
      ["1", "2", "", "4", "late to a question"],
    ],
  ),
);

test("as in nats.js: strategy count ends with maxMessages answers, long before maxWait", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      await answering(client, "many", ["1", "2", "", "4"]);
      const ask = { strategy: "count", maxMessages: 3, maxWait: 20_000 } as const;
      // With more than there are answers, and with no number at all, maxWait ends it.
      const more = { strategy: "count", maxMessages: 9, maxWait: 500 } as const;
      const none = { strategy: "count", maxWait: 500 } as const;
      return [
        await texts(await nc.requestMany("many", "", ask)),
        ...(await Promise.all([more, none].map(async (options) => texts(await nc.requestMany("many", "", options))))),
      ];
    },
    [
      ["1", "2", ""],
      ["1", "2", "", "4"],
      ["1", "2", "", "4"],
    ],
  ),
);

test("as in nats.js: strategy stall ends when no answer came for stall milliseconds after the first", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      const peer = await client.peer();
      // One at once, one after more than the default of 300 ms, and one that is too late.
      peer.subscribe("stall", {
        callback: (_error, msg) => {
          msg.respond("1");
          setTimeout(() => msg.respond("2"), 400);
          setTimeout(() => msg.respond("too late"), 20_000).unref();
        },
      });
      await peer.flush();
      const ask = async (stall?: number): Promise<string[]> =>
        texts(
          await nc.requestMany("stall", "", { strategy: "stall", maxWait: 20_000, ...(stall === undefined ? {} : { stall }) }),
        );
      return await Promise.all([ask(), ask(1_000)]);
    },
    [["1"], ["1", "2"]],
  ),
);

test("as in nats.js: strategy sentinel ends with an empty answer, which is given too", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      await answering(client, "many", ["1", "2", "", "4"]);
      return await texts(await nc.requestMany("many", "", { strategy: "sentinel", maxWait: 20_000 }));
    },
    ["1", "2", ""],
  ),
);

test("as in nats.js: requestMany() throws in the loop when nobody listens, and rejects for what cannot be", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      await answering(client, "many", ["1", "2"]);
      const seen: unknown[] = [];
      for (const noMux of [false, true]) {
        const wait = { maxWait: 20_000, noMux };
        seen.push(
          await outcome(async () => texts(await nc.requestMany("nobody", "", wait))),
          await outcome(() => nc.requestMany("many", "", { maxWait: -1, noMux })),
          await outcome(() => nc.requestMany("a b", "", wait)),
          await texts(await nc.requestMany("many", "", wait), 1),
        );
      }
      return seen;
    },
    [...manyOutcomes, ...manyOutcomes],
  ),
);

test("as in nats.js: requestMany() takes headers and noMux", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      const asked = await recordingService(client, "ask", "answer");
      const named = headers();
      named.set("A", "1");
      for (const noMux of [false, true]) {
        const ask = { strategy: "count", maxMessages: 1, maxWait: 20_000, headers: named, noMux } as const;
        await texts(await nc.requestMany("ask", "", ask));
      }
      return asked.map((msg) => [msg.headers?.get("A"), (msg.reply ?? "").split(".").length]);
    },
    [
      ["1", 3],
      ["1", 2],
    ],
  ),
);

test("as in nats.js: an answer after the end of a request, or nobody's, does no harm", limit, () =>
  both.agree(
    async (client) => {
      const nc = await client.open();
      const asked = await recordingService(client, "ask", undefined);
      const timeouts = [
        await outcome(() => nc.request("ask", "1", { timeout: 30 })),
        await outcome(() => nc.request("ask", "2", { timeout: 30, noMux: true })),
      ];
      await until("both were asked", () => asked.length === 2);
      for (const msg of asked) msg.respond("late");
      await answering(client, "next", ["answer"]);
      return [...timeouts, (await nc.request("next", "", { timeout: 10_000 })).string()];
    },
    ["TimeoutError: timeout", "TimeoutError: timeout", "answer"],
  ),
);

import { test } from "node:test";
import { headers, type NatsConnection } from "@nats-io/nats-core";
import { Both, type Client, limit, outcome, texts } from "./compat-both.ts";

/** Message tracing, which a server does since 2.11. Before that it passes the headers on and delivers the message. */
const both = new Both();

/** What a traced message told: who traced it, and whether anybody got it. */
interface Traced {
  readonly trace: NatsConnection;
  readonly delivered: string[];
}

async function listening(client: Client): Promise<Traced> {
  const trace = await client.peer();
  const delivered: string[] = [];
  trace.subscribe("traced.>", {
    callback: (_error, msg) => {
      delivered.push(msg.string());
      msg.respond("answer");
    },
  });
  await trace.flush();
  return { trace, delivered };
}

/** The subject that the next trace event at `destination` is about. */
async function nextTrace(nc: NatsConnection, destination: string): Promise<string> {
  const sub = nc.subscribe(destination, { max: 1 });
  await nc.flush();
  for await (const msg of sub) return subjectOf(msg.json());
  throw new Error("no trace event");
}

/** A trace event has the events of the message's way, the first of which is its ingress. */
function subjectOf(event: unknown): string {
  const events: unknown = typeof event === "object" && event !== null && "events" in event ? event.events : undefined;
  const [ingress]: unknown[] = Array.isArray(events) ? events : [];
  return typeof ingress === "object" && ingress !== null && "subj" in ingress ? String(ingress.subj) : "none";
}

test("as in nats.js: PublishOptions.traceDestination has the server tell there what became of the message", limit, async (t) => {
  if (!both.hasAtLeast(t, "2.11.0")) return;
  await both.agree(
    async (client) => {
      const nc = await client.open();
      const { trace, delivered } = await listening(client);
      const event = nextTrace(trace, "events");
      await trace.flush();
      nc.publish("traced.a", "payload", { traceDestination: "events" });
      const subject = await event;
      await trace.flush();
      return [subject, delivered];
    },
    ["traced.a", ["payload"]],
  );
});

test("as in nats.js: PublishOptions.traceOnly has it told and not delivered", limit, async (t) => {
  if (!both.hasAtLeast(t, "2.11.0")) return;
  await both.agree(
    async (client) => {
      const nc = await client.open();
      const { trace, delivered } = await listening(client);
      const event = nextTrace(trace, "events");
      await trace.flush();
      nc.publish("traced.a", "payload", { traceDestination: "events", traceOnly: true });
      const subject = await event;
      nc.publish("traced.b", "next");
      await nc.flush();
      await trace.flush();
      return [subject, delivered];
    },
    ["traced.a", ["next"]],
  );
});

test("as in nats.js: RequestOptions.traceDestination and traceOnly: traced, answered, or not delivered", limit, async (t) => {
  if (!both.hasAtLeast(t, "2.11.0")) return;
  await both.agree(
    async (client) => {
      const nc = await client.open();
      const { trace, delivered } = await listening(client);
      const event = nextTrace(trace, "events");
      await trace.flush();
      const answer = await nc.request("traced.a", "asked", { timeout: 10_000, traceDestination: "events" });
      const first = await event;
      const only = nextTrace(trace, "events");
      await trace.flush();
      const options = { timeout: 200, traceDestination: "events", traceOnly: true };
      const untold = await outcome(() => nc.request("traced.b", "not delivered", options));
      return [answer.string(), first, await only, untold, delivered];
    },
    ["answer", "traced.a", "traced.b", "TimeoutError: timeout", ["asked"]],
  );
});

test("as in nats.js: RequestManyOptions.traceDestination and traceOnly: traced, answered, or not delivered", limit, async (t) => {
  if (!both.hasAtLeast(t, "2.11.0")) return;
  await both.agree(
    async (client) => {
      const nc = await client.open();
      const { trace, delivered } = await listening(client);
      const seen: unknown[] = [];
      for (const noMux of [false, true]) {
        for (const traceOnly of [undefined, true]) {
          const event = nextTrace(trace, "events");
          await trace.flush();
          const only = traceOnly === undefined ? {} : { traceOnly };
          const options = { strategy: "count", maxMessages: 1, maxWait: traceOnly ? 200 : 20_000 } as const;
          const answers = await nc.requestMany("traced.a", "asked", { ...options, noMux, traceDestination: "events", ...only });
          seen.push([await texts(answers), await event]);
        }
      }
      return [seen, delivered.length];
    },
    [
      [
        [["answer"], "traced.a"],
        [[], "traced.a"],
        [["answer"], "traced.a"],
        [[], "traced.a"],
      ],
      2,
    ],
  );
});

test("traceOnly: false asks for nothing (nats.js: it traces, and does not deliver)", limit, async (t) => {
  if (!both.hasAtLeast(t, "2.11.0")) return;
  await both.differ(
    async (client) => {
      const nc = await client.open();
      const { trace, delivered } = await listening(client);
      nc.publish("traced.a", "payload", { traceDestination: "events", traceOnly: false });
      await nc.flush();
      await trace.flush();
      return delivered;
    },
    { natsJs: [], holdfast: ["payload"] },
  );
});

test("a request with noMux is traced, too (nats.js: the options are ignored)", limit, async (t) => {
  if (!both.hasAtLeast(t, "2.11.0")) return;
  await both.differ(
    async (client) => {
      const nc = await client.open();
      const { trace } = await listening(client);
      const events = trace.subscribe("events", { callback: () => {} });
      await trace.flush();
      await nc.request("traced.a", "asked", { timeout: 10_000, noMux: true, traceDestination: "events" });
      await nc.flush();
      await trace.flush();
      return events.getReceived();
    },
    { natsJs: 0, holdfast: 1 },
  );
});

test("tracing leaves the caller's headers and options as they are (nats.js: it writes to both)", limit, () =>
  both.differ(
    async (client) => {
      const nc = await client.open();
      const named = headers();
      const options = { headers: named, traceDestination: "events", traceOnly: true };
      nc.publish("a", "", options);
      return [named.keys(), Object.keys(options).toSorted()];
    },
    {
      natsJs: [
        ["Nats-Trace-Only", "Nats-Trace-Dest"],
        ["headers", "reply", "traceDestination", "traceOnly"],
      ],
      holdfast: [[], ["headers", "traceDestination", "traceOnly"]],
    },
  ),
);

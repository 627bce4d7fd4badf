import { test } from "node:test";
import { Both, limit, outcome } from "./compat-both.ts";

/** Where options deliberately differ from nats.js: each test shows both. docs/COMPATIBILITY.md has the reasons. */
const both = new Both({ config: { authorization: { user: "me", password: "secret" } } });
const auth = { user: "me", pass: "secret" };

test("nothing is written to the options of connect(), and nothing read from them later (nats.js: both)", limit, () =>
  both.differ(
    async (client) => {
      const options = { ...auth, servers: client.server.url as string | string[], tls: null };
      const nc = await client.connect(options);
      await nc.close();
      return typeof options.servers;
    },
    { natsJs: "object", holdfast: "string" },
  ),
);

test("options that cannot be are InvalidArgumentError, by their names (nats.js: taken, TypeError, or a default)", limit, () =>
  both.differ(
    async (client) => {
      const { url } = client.server;
      const wrong: readonly object[] = [
        { servers: url, timeout: Number.NaN },
        { servers: url, pingInterval: "soon" },
        { servers: url, noEcho: "yes" },
        { servers: url, reconnectDelayHandler: 5 },
        { servers: "nats://host:port" },
        { servers: url, inboxPrefix: "a b" },
      ];
      const seen: unknown[] = [];
      for (const options of wrong) {
        const result = await outcome(() => client.connect({ ...auth, ...options }));
        if (typeof result === "object" && result !== null && "close" in result && typeof result.close === "function") {
          await result.close();
          seen.push("connected");
        } else {
          seen.push(String(result).split(" ").slice(0, 2).join(" "));
        }
      }
      return seen;
    },
    {
      natsJs: ["connected", "connected", "connected", "TypeError: 'reconnectDelayHandler'", "TypeError: Invalid", "connected"],
      holdfast: ["timeout", "pingInterval", "noEcho", "reconnectDelayHandler", "servers", "inboxPrefix"].map(
        (name) => `InvalidArgumentError: '${name}'`,
      ),
    },
  ),
);

test(
  "debug goes to NODE_DEBUG=holdfast, without credentials (nats.js: every byte to the console, with the password)",
  limit,
  (t) => {
    const lines: string[] = [];
    t.mock.method(console, "info", (line: unknown) => void lines.push(String(line)));
    return both.differ(
      async (client) => {
        lines.length = 0;
        const nc = await client.open({ ...auth, debug: true });
        nc.publish("a", "payload");
        await nc.flush();
        return [lines.some((line) => line.includes("secret")), lines.some((line) => line.includes("payload"))];
      },
      { natsJs: [true, true], holdfast: [false, false] },
    );
  },
);

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { connect, headers } from "@nats-io/transport-node";
import { startNatsServer } from "holdfast/testing";
import { noServer, runCli, startCli } from "../cli.ts";
import { recordsIn, scratch, startPlace } from "../pub/watch.ts";

const skip = noServer();

describe("sub, req and reply", { concurrency: 2 }, () => {
  test("req is answered by reply, by two of them with --replies, and is told when nobody listens", { skip }, async (t) => {
    const server = await startNatsServer();
    t.after(() => server.stop());
    const to = ["-s", server.url];
    const first = startCli(t, ["reply", "ask", "{{Request}} {{Count}}", "--count", "3", "-H", "A:b", "--queue", "one", ...to]);
    const echo = startCli(t, ["reply", "ask.>", "--queue", "two", "--count", "2", "--json", ...to]);
    await Promise.all([
      first.whenTold(/^Listening on "ask" in group "one"$/m),
      echo.whenTold(/^Listening on "ask\.>" in group "two"$/m),
    ]);
    const [raw, text, json, none, slow] = await Promise.all([
      runCli(t, ["req", "ask", "what?", "--raw", ...to]),
      runCli(t, ["request", "ask.me", "--count", "1", "-H", "K:v", ...to], {}, "from standard input"),
      runCli(t, ["req", "ask.you", "", "--json", "--replies", "0", "--timeout", "1s", ...to]),
      runCli(t, ["req", "nobody", "x", ...to]),
      runCli(t, ["req", "ask", "{{Count}}", "--no-templates", "--replies", "2", "--reply-timeout", "100ms", "--json", ...to]),
    ]);
    assert.match(raw.stdout, /^what\? \d\n$/);
    assert.equal(raw.code, 0, raw.stderr);
    assert.match(text.stdout, /^Received with rtt [\d.]+ms\nK: v\nNATS-Reply-Counter: \d\n\nfrom standard input\n\n$/);
    assert.match(text.stderr, /^Sending request on "ask\.me"$/m);
    const answer: Record<string, unknown> = JSON.parse(json.stdout);
    assert.deepEqual([answer.data, json.code], ["", 0]);
    assert.equal(none.code, 1);
    assert.equal(none.stderr, 'Sending request on "nobody"\nholdfast: no answer: nobody listens on "nobody"\n');
    assert.equal(slow.code, 1, "one answer of two");
    assert.match(slow.stderr, /^holdfast: 1 of 2 answers came/m);
    assert.match(slow.stdout, /"data":"\{\{Count\}\} \d"/);

    const echoed = await echo.ended;
    assert.equal(echoed.code, 0, echoed.stderr);
    assert.deepEqual(
      echoed.stdout
        .trimEnd()
        .split("\n")
        .map((line) => String(JSON.parse(line).subject))
        .sort(),
      ["ask.me", "ask.you"],
    );
    first.child.kill("SIGINT");
    const ended = await first.ended;
    assert.equal(ended.code, 130, ended.stderr);
    assert.match(ended.stdout, /^\[#0\] Received on subject "ask":\n/);
  });

  test("sub prints as the nats tool does, or JSON that pub --from takes; it goes on through an outage", { skip }, async (t) => {
    const { server, proxy } = await startPlace(t);
    const nc = await connect({ servers: server.url });
    t.after(() => nc.close());
    const to = ["-s", proxy.url];
    const text = startCli(t, ["sub", "a.*", "--count", "2", ...to]);
    const json = startCli(t, ["sub", "a.>", "--json", "--queue", "q", "--count", "3", ...to]);
    const idle = startCli(t, ["sub", "--inbox", "--raw", "--wait", "300ms", "--count", "5", ...to]);
    await Promise.all([
      text.whenTold(/^Subscribing on "a\.\*"$/m),
      json.whenTold(/^Subscribing on "a\.>" in group "q"$/m),
      idle.whenTold(/"_INBOX\./),
    ]);
    const all = headers();
    all.append("K", "1");
    all.append("K", "2");
    const printed = [text, json].map(({ child }) => new Promise<void>((resolve) => child.stdout?.once("data", () => resolve())));
    nc.publish("a.b", "text\n", { headers: all, reply: "r" });
    await Promise.all(printed);
    await proxy.cut();
    await Promise.all([text, json].map((cli) => cli.whenTold(/reconnected/)));
    // Behind the reconnect the subscription is there again; another client's messages show when.
    nc.publish("a.b", Uint8Array.of(0xff));
    nc.publish("a.b.c", "deep");
    await nc.flush();
    const [ofText, ofJson, ofIdle] = await Promise.all([text.ended, json.ended, idle.ended]);
    assert.deepEqual([ofText.code, ofJson.code, ofIdle.code], [0, 0, 1], ofText.stderr + ofJson.stderr + ofIdle.stderr);
    assert.equal(ofIdle.stdout, "");
    assert.match(ofText.stdout, /^\[#1\] Received on "a\.b" with reply "r"\nK: 1\nK: 2\n\ntext\n\n\n\[#2\] Received on "a\.b"\n/);
    const file = join(scratch(t), "heard.jsonl");
    writeFileSync(file, ofJson.stdout);
    assert.deepEqual(recordsIn(file), [
      { subject: "a.b", reply: "r", headers: { K: ["1", "2"] }, data: "text\n" },
      { subject: "a.b", data_base64: "/w==" },
      { subject: "a.b.c", data: "deep" },
    ]);
  });
});

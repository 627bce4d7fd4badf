/** Cost of encoding one message into a slab. Run: `node --conditions=source --import tsx bench/micro/encode.ts` */
import { bench, do_not_optimize, run, summary } from "mitata";
import { frameEnd } from "../../packages/client/src/protocol/frame.ts";
import { maxPubBytes, PubEncoder } from "../../packages/client/src/protocol/pub-encoder.ts";
import { checkPublishSubject } from "../../packages/client/src/protocol/subjects.ts";

const slab = Buffer.alloc(256 * 1024);
const view = new DataView(slab.buffer);
const encoder = new PubEncoder();
const headers = Buffer.from("NATS/1.0\r\nNats-Msg-Id: 0123456789\r\n\r\n");

interface Case {
  readonly name: string;
  /** As many as messages should differ; they are used in turn. */
  readonly subjects: readonly string[];
  readonly reply?: string;
  readonly headers?: Uint8Array;
  readonly payload: Uint8Array | string;
}

const one = ["orders.created"];
const cases: readonly Case[] = [
  { name: "16 B", subjects: one, payload: Buffer.alloc(16, "x") },
  { name: "16 B, two subjects in turn", subjects: ["orders.created", "orders.shipped"], payload: Buffer.alloc(16, "x") },
  { name: "16 B, 3 000 subjects", subjects: manySubjects(3000), payload: Buffer.alloc(16, "x") },
  { name: "16 B, subject of 40", subjects: ["orders.".repeat(6).slice(0, 40)], payload: Buffer.alloc(16, "x") },
  { name: "16 B, subject not ASCII", subjects: ["bestellungen.größe"], payload: Buffer.alloc(16, "x") },
  { name: "16 B, reply", subjects: one, reply: "_INBOX.ABCDEFGHIJKLMNOPQRSTUV.17", payload: Buffer.alloc(16, "x") },
  { name: "16 B, headers", subjects: one, headers, payload: Buffer.alloc(16, "x") },
  { name: "128 B", subjects: one, payload: Buffer.alloc(128, "x") },
  { name: "1 KiB", subjects: one, payload: Buffer.alloc(1024, "x") },
  { name: "16 KiB", subjects: one, payload: Buffer.alloc(16 * 1024, "x") },
  { name: "string of 16", subjects: one, payload: "0123456789abcdef" },
  { name: "string of 1 024", subjects: one, payload: "x".repeat(1024) },
  { name: "string of 1 024, not ASCII", subjects: one, payload: "é".repeat(1024) },
];

function manySubjects(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `orders.${i}`);
}

summary(() => {
  for (const { name, subjects, reply = "", headers: block = null, payload } of cases) {
    let turn = 0;
    bench(`encode ${name}`, () => {
      const subject = subjects[turn++ % subjects.length] ?? "";
      return do_not_optimize(encoder.encode(slab, view, 64, subject, reply, block, payload));
    });
  }
});
bench("maxPubBytes 16 B", () => do_not_optimize(maxPubBytes("orders.created", "", null, cases[0]?.payload ?? "")));
bench("checkPublishSubject, same as before", () => checkPublishSubject("orders.created"));
const alternating = ["orders.created", "orders.shipped"];
let other = 0;
bench("checkPublishSubject, alternating", () => checkPublishSubject(alternating[other++ & 1]));

encoder.encode(slab, view, 64, "orders.created", "", null, Buffer.alloc(16, "x"));
bench("frameEnd", () => do_not_optimize(frameEnd(slab, 64)));

await run();

/**
 * `npm run bench:scaling`: throughput and memory against the number of subscriptions, subjects and connections, and the size of the payload: no cliff. Each figure is
 * the median of some cold processes, Holdfast and nats.js in shuffled order on one server. Writes bench/SCALING.md.
 */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { connect } from "holdfast";
import { type NatsServer, startNatsServer } from "holdfast/testing";
import { obtainNatsServer } from "../scripts/nats-server.ts";
import { compiledLibrary } from "./shared/library.ts";
import { type ScalingAnswer, type ScalingTask, SUBJECT_OF_ALL } from "./shared/scaling-task.ts";
import { shuffled, spread } from "./shared/statistics.ts";

type Wanted = ScalingTask extends infer T ? (T extends ScalingTask ? Omit<T, "url" | "library"> : never) : never;

const SIDES = ["holdfast", "nats.js"] as const;
const MIB = 1024 * 1024;

const TABLES: readonly { readonly title: string; readonly rows: readonly (readonly [string, Wanted])[] }[] = [
  {
    title: "Subscriptions: messages to all of them in turn, 16 B",
    rows: [1, 1000, 100_000].map((count) => [`${count}`, { kind: "subscriptions", count, messages: 300_000 }]),
  },
  {
    title: "Subjects published to in turn, 16 B",
    rows: [
      ...[1, 50_000].map((count) => [`${count}`, { kind: "subjects", count, messages: 500_000, fresh: false }] as const),
      ["50000, each string made for its message", { kind: "subjects", count: 50_000, messages: 500_000, fresh: true }],
    ],
  },
  {
    title: "Payload; of Holdfast also by reference, `copy: false`",
    rows: [
      ...[0, 16, 128, 1024, 4096, 16_384, 65_536, 262_144, 1_000_000].map((bytes) => payloadRow(bytes, false)),
      ...[16_384, 65_536, 262_144, 1_000_000].map((bytes) => payloadRow(bytes, true)),
    ],
  },
  {
    title: "Connections in one process, 16 B published on all in turn",
    rows: [1, 100, 1000].map((count) => [`${count}`, { kind: "connections", count, messages: 300_000 }]),
  },
  {
    title: "10 000 messages of 16 B kept out of 1 000 000 received to 10 000 subjects in turn",
    rows: [
      ["the last one of each subject", { kind: "kept", count: 10_000, messages: 1_000_000, by: "last" }],
      ["every 100th", { kind: "kept", count: 10_000, messages: 1_000_000, by: "spread" }],
    ],
  },
];

function payloadRow(bytes: number, reference: boolean): readonly [string, Wanted] {
  const messages = Math.min(500_000, Math.ceil((200 * MIB) / (bytes + 40)));
  return [`${bytes} B${reference ? ", by reference" : ""}`, { kind: "payload", bytes, messages, reference }];
}

const rounds = Number(process.argv[2] ?? 3);
const { path, version } = await obtainNatsServer();
process.env.NATS_SERVER = path;
const library = compiledLibrary();
await using server = await startNatsServer({ config: { max_connections: 4096 } });
await using _source = await startSource(server);
const parts: string[] = [];
for (const { title, rows } of TABLES) {
  const lines: string[] = [];
  for (const [name, wanted] of rows) lines.push(await line(name, wanted));
  const table = `## ${title}\n\n| | Holdfast, k/s | nats.js, k/s | CPU ns a message, Holdfast / nats.js | bytes each, Holdfast / nats.js |\n|---|---|---|---|---|\n${lines.join("\n")}\n`;
  process.stdout.write(`${table}\n`);
  parts.push(table);
}
const head = `# How it scales

Made by \`npm run bench:scaling\` on ${new Date().toISOString().slice(0, 10)}: Node ${process.version}, nats-server ${version}, ${cpus().length} cores (${cpus()[0]?.model ?? "unknown"}), loopback;
medians of ${rounds} cold processes. Bytes are what the JavaScript heap and the buffers beside it hold behind the collector; of a connection: fresh, and idle again after it
has published.
`;
writeFileSync(fileURLToPath(new URL("SCALING.md", import.meta.url)), `${head}\n${parts.join("\n")}`);

async function line(name: string, wanted: Wanted): Promise<string> {
  const answers = { holdfast: [] as ScalingAnswer[], "nats.js": [] as ScalingAnswer[] };
  for (let round = 0; round < rounds; round++) {
    for (const side of shuffled(SIDES)) answers[side].push(await measure(side, wanted));
  }
  const each = (of: (answer: ScalingAnswer) => number | undefined, digits: number): string[] =>
    SIDES.map((side) => median(answers[side].map(of), digits));
  const [ours, theirs] = each((answer) => answer.perSecond / 1000, 1);
  const bytes = [each((answer) => answer.bytesFresh, 0), each((answer) => answer.bytesEach, 0)].filter(([first]) => first !== "");
  return `| ${name} | ${ours} | ${theirs} | ${each((answer) => answer.cpuNs, 0).join(" / ")} | ${bytes.map((pair) => pair.join(" / ")).join("; ")} |`;
}

async function measure(side: (typeof SIDES)[number], wanted: Wanted): Promise<ScalingAnswer> {
  const task = { ...wanted, url: server.url, ...(side === "holdfast" ? { library } : {}) };
  const program = fileURLToPath(new URL("sides/scaling.ts", import.meta.url));
  const args = [...process.execArgv, "--expose-gc", program, JSON.stringify(task)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 180_000 });
  return JSON.parse(stdout);
}

function median(values: readonly (number | undefined)[], digits: number): string {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? "" : spread(known).median.toFixed(digits);
}

/** Publishes what a receiving side asks for: messages to `scale.<n>`, paced by its own window. */
async function startSource(at: NatsServer): Promise<AsyncDisposable> {
  const nc = await connect({ servers: at.url });
  const payload = new Uint8Array(16).fill(46);
  nc.subscribe(SUBJECT_OF_ALL, {
    callback: (_error, message) => {
      const { messages, subjects } = message.json<{ messages: number; subjects: number }>();
      void send(messages, subjects);
    },
  });
  await nc.flush();
  const send = async (messages: number, subjects: number): Promise<void> => {
    const list = Array.from({ length: subjects }, (_, i) => `scale.${i}`);
    for (let sent = 0; sent < messages; ) {
      for (const until = Math.min(sent + 2000, messages); sent < until; sent++) nc.publish(list[sent % subjects] ?? "", payload);
      await nc.flush();
    }
  };
  return { [Symbol.asyncDispose]: () => nc.close() };
}

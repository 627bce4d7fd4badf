import type { PeerName, Peers } from "./peers/peers.ts";
import { backlogRig, nowhereRig } from "./rigs/down.ts";
import { REQUEST_SUBJECT, responderRig } from "./rigs/responder.ts";
import type { Rig } from "./rigs/rig.ts";
import { serverRig } from "./rigs/server.ts";
import { sourceRig } from "./rigs/source.ts";
import { STREAM_SUBJECT, streamRig } from "./rigs/stream.ts";
import type { Contestant } from "./shared/measure.ts";
import type { PublishTask, StreamTask, Task } from "./shared/tasks.ts";

/** What a row measures: messages a second, the median of one operation in µs (lower is better), or resident memory by bytes on the wire. */
export type Unit = "msg/s" | "µs" | "of the wire bytes";

/** A row of the results. To add one: an entry in `ROWS`. */
export interface Row {
  /** Its name on the command line and in the results. */
  readonly name: string;
  /** What is measured, for the reader. */
  readonly title: string;
  readonly unit: Unit;
  readonly task: Task;
  readonly rig: (peers: Peers) => Promise<Rig>;
  readonly peers: readonly (PeerName | Contestant)[];
  /** Holdfast's own part, where it is not the row's task with default options. */
  readonly ours?: Pick<Contestant, "options" | "task">;
  /** The least ratio Holdfast / peer that issue 6 asks for; with unit µs and memory the largest. */
  readonly goals: Readonly<Record<string, number>>;
  /** Messages in a round of `bench:quick`; rows without it are not in it. */
  readonly quick?: number;
  readonly cold?: boolean;
}

const JS: readonly PeerName[] = ["nats.js", "nats.js noAsyncTraces"];
const FAST: readonly PeerName[] = ["nats.go", "nats.c", "async-nats"];
/** Nothing that a side does while its server is away is to wait for, or to be refused. */
const PATIENT = { reconnectBuffer: Number.MAX_SAFE_INTEGER, reconnectTimeWait: 50, reconnectJitter: 0 };

const stream = { kind: "stream", bytes: 16, outstanding: 512, subject: STREAM_SUBJECT } as const;
const receive16 = { kind: "receive", messages: 1_000_000, bytes: 16, batch: 4096 } as const;

export const ROWS: readonly Row[] = [
  publishRow("publish-16", "16 B, 10 000 a turn", { bytes: 16, messages: 1_000_000, batch: 10_000 }, 500_000, {
    "nats.js": 4.5,
    "nats.go": 1,
    "nats.c": 0.95,
  }),
  publishRow("publish-16-small-turns", "16 B, 1 000 a turn", { bytes: 16, messages: 1_000_000, batch: 1000 }, undefined, {}),
  publishRow("publish-128", "128 B, 5 000 a turn", { bytes: 128, messages: 800_000, batch: 5000 }, undefined, {
    "nats.js": 4.2,
    "nats.go": 1,
    "nats.c": 1.05,
  }),
  publishRow("publish-1024", "1 KiB, 1 000 a turn", { bytes: 1024, messages: 300_000, batch: 1000 }, 100_000, {
    "nats.js": 2.8,
    "nats.go": 1,
    "nats.c": 0.9,
  }),
  publishRow("publish-16384", "16 KiB, 64 a turn", { bytes: 16_384, messages: 20_000, batch: 64 }, undefined, {
    "nats.js": 1.5,
    "nats.go": 1,
    "nats.c": 0.9,
  }),
  referenceRow("publish-16384-reference", "16 KiB", { bytes: 16_384, messages: 20_000, batch: 64 }),
  referenceRow("publish-65536-reference", "64 KiB", { bytes: 65_536, messages: 5000, batch: 16 }),
  publishRow("publish-string-16", "string of 16", { bytes: 16, messages: 500_000, batch: 10_000, mode: "string" }, undefined, {
    "nats.js": 6,
  }),
  publishRow(
    "publish-headers-16",
    "16 B with two headers",
    { bytes: 16, messages: 500_000, batch: 10_000, mode: "headers" },
    undefined,
    {
      "nats.js": 6,
      "nats.go": 1.5,
    },
  ),
  publishRow(
    "publish-reply-16",
    "16 B with a reply subject",
    { bytes: 16, messages: 500_000, batch: 10_000, mode: "reply" },
    undefined,
    {
      "nats.js": 2,
    },
  ),
  {
    ...publishRow("publish-tls-16", "16 B over TLS", { bytes: 16, messages: 500_000, batch: 10_000 }, undefined, {}),
    rig: () => serverRig(true),
    peers: ["nats.js", "nats.go"],
  },
  {
    ...publishRow("publish-tls-1024", "1 KiB over TLS", { bytes: 1024, messages: 100_000, batch: 1000 }, undefined, {}),
    rig: () => serverRig(true),
    peers: ["nats.js", "nats.go"],
  },
  {
    ...publishRow(
      "publish-at-least-once-16",
      "at-least-once against at-most-once, 16 B",
      { bytes: 16, messages: 1_000_000, batch: 10_000 },
      undefined,
      {
        "at-most-once": 0.9,
      },
    ),
    ours: { options: { delivery: "at-least-once" } },
    peers: [{ name: "at-most-once", peer: "holdfast" }],
  },
  {
    name: "round-trip",
    title: "Publish one of 16 B and flush, median",
    unit: "µs",
    task: { kind: "roundTrip", messages: 3000, bytes: 16 },
    rig: () => serverRig(),
    peers: ["nats.js", "nats.go", "nats.c"],
    goals: { "nats.js": 1, "nats.go": 1 },
  },
  downRow("append-down", 16, 1_000_000, { "nats.js": 12, "nats.go": 3, "nats.c": 1 }),
  downRow("append-down-128", 128, undefined, {}),
  memoryRow("memory-16", 16),
  memoryRow("memory-128", 128),
  backlogRow("backlog-16", 16, 1_000_000),
  backlogRow("backlog-128", 128, 500_000),
  {
    name: "receive-callback",
    title: "Receive 16 B by callback, data read, from a raw source",
    unit: "msg/s",
    task: { ...receive16, how: "callback" },
    rig: () => sourceRig(false),
    peers: ["nats.js", "nats.go", "async-nats"],
    goals: { "nats.js": 5, "nats.go": 2.3 },
    quick: 500_000,
  },
  {
    name: "receive-iterator",
    title: "Receive 16 B by iterator (nats.go by callback), data read, from a raw source",
    unit: "msg/s",
    task: { ...receive16, how: "iterator" },
    rig: () => sourceRig(false),
    // nats.go has a callback, async-nats a stream.
    peers: ["nats.js", "nats.go", "async-nats"],
    goals: { "nats.js": 5, "nats.go": 1.3, "async-nats": 1.2 },
    quick: 500_000,
  },
  {
    name: "receive-callback-128",
    title: "Receive 128 B by callback, data read, from a raw source",
    unit: "msg/s",
    task: { ...receive16, bytes: 128, how: "callback" },
    rig: () => sourceRig(false),
    peers: ["nats.js", "nats.go", "async-nats"],
    goals: {},
  },
  {
    name: "receive-server",
    title: "Receive 16 B by callback, data read, through the real server",
    unit: "msg/s",
    task: { ...receive16, how: "callback" },
    rig: () => sourceRig(true),
    peers: ["nats.js", "nats.go", "async-nats"],
    goals: {},
  },
  requestRow(1, 2000, 1500, { "nats.js": 1.4 }),
  requestRow(64, 100_000, undefined, { "nats.js": 4, "nats.go": 1.6, "async-nats": 1 }),
  requestRow(1024, 100_000, 15_000, { "nats.js": 8, "nats.go": 1.8, "async-nats": 1.1 }),
  ...streamRows("memory", 10_000, { "nats.js": 8, "nats.go": 1.4, "async-nats": 1.1 }),
  ...streamRows("file", undefined, { "nats.js": 8, "nats.go": 1.4, "async-nats": 1 }),
  {
    name: "jetstream-official",
    title: "The official JetStream module on Holdfast and on nats.js, 512 outstanding, memory",
    unit: "msg/s",
    task: { ...stream, messages: 20_000, api: "official" },
    rig: () => streamRig("memory"),
    peers: JS,
    goals: { "nats.js": 1 },
  },
  ingestRow("memory"),
  ingestRow("file"),
];

function publishRow(
  name: string,
  title: string,
  task: Pick<PublishTask, "bytes" | "messages" | "batch"> & { readonly mode?: PublishTask["mode"] },
  quick: number | undefined,
  goals: Row["goals"],
): Row {
  return {
    name,
    title: `Publish ${title}`,
    unit: "msg/s",
    task: { kind: "publish", pool: task.batch, mode: "bytes", ...task },
    rig: () => serverRig(),
    peers: task.mode === undefined ? ["nats.js", ...FAST, "wire limit"] : ["nats.js", "nats.go"],
    goals,
    ...(quick === undefined ? {} : { quick }),
  };
}

/** The others publish as they always do; "copied" is Holdfast without the option. */
function referenceRow(name: string, size: string, task: Pick<PublishTask, "bytes" | "messages" | "batch">): Row {
  const row = publishRow(name, `${size} by reference, ${task.batch} a turn`, task, undefined, { "nats.js": 1.8, "nats.go": 1.2 });
  const referring: PublishTask = { kind: "publish", pool: task.batch, ...task, mode: "reference" };
  return { ...row, ours: { task: referring }, peers: [{ name: "copied", peer: "holdfast" }, "nats.js", "nats.go", "nats.c"] };
}

function downRow(name: string, bytes: number, quick: number | undefined, goals: Row["goals"]): Row {
  return {
    name,
    title: `Append ${bytes} B while disconnected, 1 000 000 messages, cold memory`,
    unit: "msg/s",
    task: { kind: "append", messages: 1_000_000, bytes, batch: 10_000, warmUp: 100_000 },
    rig: nowhereRig,
    peers: ["nats.js", "nats.go", "nats.c"],
    goals,
    cold: true,
    ...(quick === undefined ? {} : { quick }),
  };
}

function memoryRow(name: string, bytes: number): Row {
  return {
    ...downRow(name, bytes, undefined, { itself: 1.25 }),
    title: `Resident memory of 1 000 000 messages of ${bytes} B held while disconnected, cold process`,
    unit: "of the wire bytes",
    task: { kind: "append", messages: 1_000_000, bytes, batch: 10_000 },
  };
}

function backlogRow(name: string, bytes: number, messages: number): Row {
  return {
    name,
    title: `Send a backlog of ${messages} messages of ${bytes} B after the server's restart`,
    unit: "msg/s",
    task: { kind: "drain", messages, bytes, batch: 10_000 },
    rig: backlogRig,
    // nats.js loses all of it.
    peers: ["nats.go"],
    ours: { options: PATIENT },
    goals: { "nats.go": 1 },
  };
}

function requestRow(outstanding: number, messages: number, quick: number | undefined, goals: Row["goals"]): Row {
  return {
    name: `request-${outstanding}`,
    title: `Request and reply, 16 B, ${outstanding} outstanding`,
    unit: "msg/s",
    task: { kind: "request", messages, bytes: 16, outstanding, subject: REQUEST_SUBJECT },
    rig: responderRig,
    peers: [...JS, "nats.go", "async-nats"],
    goals,
    ...(quick === undefined ? {} : { quick }),
  };
}

/** As it is by default, with an id a message, which the stream looks up; and without, as the others publish. */
function streamRows(storage: "memory" | "file", quick: number | undefined, goals: Row["goals"]): Row[] {
  const name = storage === "memory" ? "jetstream-512" : "jetstream-512-file";
  const title = `JetStream publish, 16 B, one acknowledgement a message, 512 outstanding, ${storage}`;
  const task: StreamTask = { ...stream, messages: 100_000, api: "own" };
  const common: Pick<Row, "unit" | "task" | "rig" | "goals"> = { unit: "msg/s", task, rig: () => streamRig(storage), goals };
  return [
    {
      ...common,
      name,
      title: `${title}; Holdfast with an id a message, the others without`,
      peers: [...JS, "nats.go", "async-nats"],
      ...(quick === undefined ? {} : { quick }),
    },
    {
      ...common,
      name: `${name}-no-ids`,
      title: `${title}; all without ids`,
      ours: { task: { ...task, withoutIds: true } },
      peers: ["nats.js", "nats.go", "async-nats"],
    },
  ];
}

function ingestRow(storage: "memory" | "file"): Row {
  const messages = 100_000;
  const each: StreamTask = { ...stream, messages, api: "official" };
  return {
    name: storage === "memory" ? "ingest" : "ingest-file",
    title: `JetStream fast ingest, 16 B, ${storage}; against one acknowledgement a message with 512 outstanding, and nats.go's fast ingest (1000 × 8)`,
    unit: "msg/s",
    task: { kind: "ingest", messages, bytes: 16, subject: STREAM_SUBJECT },
    rig: () => streamRig(storage),
    peers: [
      { name: "nats.js", peer: "nats.js", task: each },
      { name: "nats.go", peer: "nats.go", task: each },
      { name: "nats.go fast ingest", peer: "nats.go" },
    ],
    goals: { "nats.js": 13, "nats.go": 2.3, "nats.go fast ingest": 0.9 },
  };
}

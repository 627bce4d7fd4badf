/** What the program and its workers say to each other over the IPC channel. All of it can be cloned. */
import type { PublisherReport } from "../demo/messages.ts";
import type { ConnectPlan } from "./clients.ts";
import type { Latencies } from "./histogram.ts";
import type { OutageBenchOptions, PubBenchOptions, ReqBenchOptions, SubBenchOptions } from "./options.ts";

/** What a worker does, with the options that matter to it. */
export type Task =
  | ({ readonly kind: "pub"; readonly isFed: boolean } & Pick<
      PubBenchOptions,
      "size" | "headers" | "rate" | "delivery" | "msgIds" | "subjects"
    > &
      TaskBase)
  | ({ readonly kind: "sub" } & Pick<SubBenchOptions, "queue" | "by" | "subjects" | "waitMs"> & TaskBase)
  | ({ readonly kind: "req" } & Pick<ReqBenchOptions, "size" | "headers" | "outstanding"> & TaskBase)
  | ({ readonly kind: "respond" } & TaskBase)
  | ({ readonly kind: "outage"; readonly total: number } & Pick<
      OutageBenchOptions,
      "size" | "rate" | "holdfast" | "reconnectWaitMs"
    > &
      TaskBase);

interface TaskBase {
  readonly connect: ConnectPlan;
  readonly subject: string;
  /** How many connections. */
  readonly clients: number;
}

export type TaskOf<Kind extends Task["kind"]> = Extract<Task, { kind: Kind }>;

/** How long a round goes on: to whichever of both comes first. */
export interface RoundLimit {
  /** `Infinity` for none. */
  readonly messages: number;
  /** Milliseconds; `Infinity` for none. */
  readonly ms: number;
}

/** What a round came to. */
export interface Round {
  /** Messages published, waited for or asked. */
  readonly messages: number;
  /** Of these confirmed by the server, received or answered. */
  readonly done: number;
  readonly ms: number;
  /** CPU time of the whole process in the round. */
  readonly cpuMs: number;
  /** How many failed, by reason in words; those that are not `done`. */
  readonly failures: Readonly<Record<string, number>>;
  /** Only of requests. */
  readonly latencies: Latencies | null;
}

/** A look at a publisher in an outage. */
export interface OutageSample {
  /** Milliseconds since the start. */
  readonly atMs: number;
  readonly attempted: number;
  readonly refused: number;
  /** Null where the client does not say, as the three below. */
  readonly confirmed: number | null;
  readonly inDoubt: number | null;
  readonly heldBytes: number | null;
  /** Null also where there is none at this moment. */
  readonly limitBytes: number | null;
  readonly isConnected: boolean;
}

export type ToWorker =
  | { readonly type: "task"; readonly task: Task }
  | { readonly type: "round"; readonly limit: RoundLimit }
  /** A publisher that is fed may go on up to this message of the round. */
  | { readonly type: "allow"; readonly upTo: number }
  /** A subscriber's round has so many messages, no more. */
  | { readonly type: "published"; readonly messages: number }
  /** Milliseconds since the epoch, the same for every worker. */
  | { readonly type: "go"; readonly startAt: number }
  /** Close the connections and end. */
  | { readonly type: "end" };

export type FromWorker =
  /** Connected, and to what was asked for. */
  | { readonly type: "ready" }
  /** A subscriber is there: what is published now is counted. */
  | { readonly type: "listening" }
  /** So many messages of the round are done. */
  | { readonly type: "progress"; readonly done: number }
  | { readonly type: "round done"; readonly round: Round }
  | { readonly type: "sample"; readonly sample: OutageSample }
  | { readonly type: "report"; readonly report: PublisherReport }
  | { readonly type: "failed"; readonly reason: string };

/** The other end is our own code of the same version: only the type is looked at. */
export function decodeFromWorker(value: unknown): FromWorker {
  const known = ["ready", "listening", "progress", "round done", "sample", "report", "failed"];
  if (known.includes(typeOf(value))) return value as FromWorker;
  throw new Error("a worker sent what is no message");
}

/** See {@link decodeFromWorker}. */
export function decodeToWorker(value: unknown): ToWorker {
  if (["task", "round", "allow", "published", "go", "end"].includes(typeOf(value))) return value as ToWorker;
  throw new Error("the program sent what is no message");
}

function typeOf(value: unknown): string {
  return typeof value === "object" && value !== null && "type" in value ? String(value.type) : "";
}

/** What the parent and a publisher say to each other over the IPC channel. All of it is plain JSON. */
import type { UndeliveredState } from "holdfast";
import type { ClientName, Delivery } from "./options.ts";
import type { Ranges } from "./ranges.ts";

/** What a publisher is to do. */
export interface PublisherPlan {
  readonly client: ClientName;
  /** Where to connect: the fault proxy. */
  readonly url: string;
  readonly subject: string;
  readonly rate: number;
  readonly size: number;
  readonly total: number;
  /** Holdfast's reconnect buffer; the official client has no limit to set. */
  readonly bufferBytes: number;
  /** Holdfast's. */
  readonly delivery: Delivery;
  /** Holdfast's; `null` for its default. */
  readonly stallTimeoutMs: number | null;
}

export type ToPublisher =
  | { readonly type: "plan"; readonly plan: PublisherPlan }
  /** Publish from this moment on: milliseconds since the epoch, the same for every publisher. */
  | { readonly type: "go"; readonly startAt: number };

/** Where the connection is, as `nc.status()` last said. */
export type ConnectionState = "connected" | "disconnected" | "reconnecting" | "closed";

/** Sent four times a second from the start until the report. */
export interface PublisherStats {
  /** Milliseconds since the start. */
  readonly atMs: number;
  readonly state: ConnectionState;
  readonly attempted: number;
  readonly refused: number;
  readonly handedBack: number | null;
  /** By the client's own count; `null` where it does not count. */
  readonly confirmed: number | null;
  readonly inDoubt: number | null;
  /** What the client holds, in bytes on the wire; `null` where the client does not say. */
  readonly heldBytes: number | null;
  /** The limit on that which is in force at this moment; `null` when there is none. */
  readonly limitBytes: number | null;
}

/** How a step that has a time limit ended. */
export type StepEnd =
  | { readonly kind: "done"; readonly ms: number }
  | { readonly kind: "failed"; readonly ms: number; readonly reason: string }
  | { readonly kind: "timed out"; readonly ms: number };

/** A publisher's own account of its run. */
export interface PublisherReport {
  readonly version: string;
  readonly attempted: number;
  readonly refused: Ranges;
  /** Why the first refused message was refused. */
  readonly firstRefusal: string | null;
  /** By state; `null` where the client hands nothing back. */
  readonly handedBack: readonly (readonly [UndeliveredState, Ranges])[] | null;
  /** Messages handed back with a payload that was never published. */
  readonly unreadable: number;
  /** From the first `publish()` to the last, in milliseconds. */
  readonly msPublishing: number;
  /** When the client said that its connection was gone: milliseconds since the start, in order. */
  readonly disconnectsMs: readonly number[];
  readonly flush: StepEnd;
  readonly close: StepEnd;
  /** The client's own counts after `close()`, by state; `null` where it has none. */
  readonly counts: Readonly<Record<string, number>> | null;
}

export type FromPublisher =
  | { readonly type: "connected" }
  | { readonly type: "stats"; readonly stats: PublisherStats }
  | { readonly type: "report"; readonly report: PublisherReport }
  /** The publisher cannot go on. */
  | { readonly type: "failed"; readonly reason: string };

/** The other end is our own code of the same version: only the type is looked at. */
export function decodeFromPublisher(value: unknown): FromPublisher {
  const known = ["connected", "stats", "report", "failed"];
  if (known.includes(typeOf(value))) return value as FromPublisher;
  throw new Error(`a publisher sent ${JSON.stringify(value)}`);
}

/** See {@link decodeFromPublisher}. */
export function decodeToPublisher(value: unknown): ToPublisher {
  if (["plan", "go"].includes(typeOf(value))) return value as ToPublisher;
  throw new Error(`the parent sent ${JSON.stringify(value)}`);
}

function typeOf(value: unknown): string {
  return typeof value === "object" && value !== null && "type" in value ? String(value.type) : "";
}

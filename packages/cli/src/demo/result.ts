import type { StepEnd } from "./messages.ts";
import type { ClientName, Delivery, FaultKind } from "./options.ts";
import type { Findings } from "./oracle.ts";
import type { Storage } from "./read-stream.ts";

/** One client's part of the result. */
export interface ClientResult extends Findings {
  readonly name: ClientName;
  readonly version: string;
  /** `null`: the client has no such choice. */
  readonly delivery: Delivery | null;
  /** By the client's own count: messages that the server has read and not refused. `null` where it does not count. */
  readonly confirmed: number | null;
  /** By the client's own count: messages handed over again. `null` where it does not count. */
  readonly resent: number | null;
  /** From the beginning of the fault to the client's announcement that its connection is gone; `null` if it never announced it. */
  readonly msToDetect: number | null;
  /** Bytes on the wire of the messages in doubt. */
  readonly inDoubtBytes: number | null;
  /** Whether the client's own counts say what was observed; `null` where it does not count. */
  readonly countsAgree: boolean | null;
  /** From the first `publish()` to the last, in milliseconds. */
  readonly msPublishing: number;
  /** Connections that reached the proxy, those that were ended on accept included; a closed port is not reached. */
  readonly connections: number;
  /** Bytes that the proxy passed on to the server. */
  readonly bytesToServer: number;
  readonly flush: StepEnd;
  readonly close: StepEnd;
  /** Why the first refused message was refused. */
  readonly firstRefusal: string | null;
  /** The client's own counts by state. */
  readonly counts: Readonly<Record<string, number>> | null;
}

/** What `--json` prints. */
export interface DemoResult {
  readonly valid: boolean;
  readonly server: string;
  readonly fault: FaultKind;
  readonly rate: number;
  readonly size: number;
  readonly outageMs: number;
  readonly clients: readonly ClientResult[];
  /** Why nothing follows from this run; empty when it is valid. */
  readonly invalidBecause: readonly string[];
  readonly bufferBytes: number;
  readonly storage: Storage;
  /** Holdfast's `stallTimeout`; `null` for its default. */
  readonly stallTimeoutMs: number | null;
}

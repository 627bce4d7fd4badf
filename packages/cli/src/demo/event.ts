import type { PublisherStats } from "./messages.ts";
import type { ClientName } from "./options.ts";

/** What a run tells while it goes on, in order. Times are milliseconds since the start of the publishing. */
export type DemoEvent =
  /** A line for people. */
  | { readonly kind: "note"; readonly line: string }
  /** The publishing begins at this moment of `performance.now()`, which may lie ahead. */
  | { readonly kind: "start"; readonly at: number }
  | { readonly kind: "fault begins"; readonly atMs: number }
  | { readonly kind: "fault over"; readonly atMs: number }
  | { readonly kind: "sample"; readonly sample: Sample }
  /** Every publisher is done; what follows is the reading of the streams. */
  | { readonly kind: "published" };

/** Where one client stands, four times a second. */
export interface Sample extends PublisherStats {
  readonly client: ClientName;
  /** Bytes that the proxy passed on to the server. */
  readonly sent: number;
  /** Messages in the stream, as it last said; `null` when it was not asked, or has not answered yet. */
  readonly stored: number | null;
  /** Messages that are certain to be lost without a word, so far; `null` when nobody can know. */
  readonly lost: number | null;
}

/** Who follows a run. */
export interface Audience {
  hear(event: DemoEvent): void;
  /** Whether the streams are asked what they have while the run goes on: ten small requests a second each. */
  readonly wantsArrivals: boolean;
}

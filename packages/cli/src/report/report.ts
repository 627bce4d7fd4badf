/** What a report says: plain text and numbers. html.ts makes a page of it. */
export interface Report {
  readonly title: string;
  /** What came out, in a sentence or two. */
  readonly summary: string;
  /** Under what conditions: versions, rates, sizes. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly tables: readonly ReportTable[];
  readonly charts: readonly Chart[];
}

/** The first cell of a row names it; spaces in front of the name indent it. */
export interface ReportTable {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Lines over time. */
export interface Chart {
  readonly title: string;
  /** What to see in it. */
  readonly caption: string;
  readonly unit: Unit;
  /** A series of the same name has the same colour in every chart of the report. `null` is a gap. */
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly (readonly [seconds: number, value: number | null])[];
  }[];
  /** A dashed line across the chart. */
  readonly limit?: { readonly name: string; readonly value: number };
  /** Stretches of time that are shaded, in seconds. */
  readonly bands?: readonly { readonly name: string; readonly from: number; readonly to: number }[];
  /** A logarithmic axis: what is 0 or less is a gap then. */
  readonly log?: boolean;
}

export type Unit = "bytes" | "count" | "per second" | "ms";

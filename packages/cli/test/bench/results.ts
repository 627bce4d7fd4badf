/** What `holdfast bench … --json` printed. */
import assert from "node:assert/strict";
import { reportIn } from "../pub/watch.ts";

export interface RateReport {
  readonly name: string;
  readonly messages: number;
  readonly confirmed?: number;
  readonly received?: number;
  readonly answered?: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly rate: { readonly low: number; readonly median: number; readonly high: number };
  readonly latencyMs?: Readonly<Record<string, number>>;
  readonly rounds: readonly Readonly<Record<string, number>>[];
}

export function clientsIn(stdout: string): readonly RateReport[] {
  const { clients } = reportIn(stdout);
  assert.ok(Array.isArray(clients));
  return clients;
}

export interface OutageReport {
  readonly name: string;
  readonly subject: string;
  readonly attempted: number;
  readonly refused: number;
  readonly arrived: number;
  readonly handedBack: number | null;
  readonly handedBackByState: Readonly<Record<string, number>> | null;
  readonly inDoubt: number | null;
  readonly arrivedInDoubt: number | null;
  readonly lostSilently: number;
  readonly duplicated: number;
  readonly counts: Readonly<Record<string, number>> | null;
  readonly countsAgree: boolean | null;
  readonly greatestHeldBytes: number | null;
}

export function outageClientsIn(stdout: string): readonly OutageReport[] {
  const { clients } = reportIn(stdout);
  assert.ok(Array.isArray(clients));
  return clients;
}

/** Every message is in one place: refused, arrived, handed back without having arrived, or lost. */
export function assertAccounted(client: OutageReport, published: number): void {
  const { attempted, refused, arrived, handedBack, arrivedInDoubt, lostSilently } = client;
  assert.equal(attempted, published);
  assert.equal(refused + arrived + (handedBack ?? 0) - (arrivedInDoubt ?? 0) + lostSilently, attempted, JSON.stringify(client));
}

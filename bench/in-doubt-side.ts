/** The publisher of bench/in-doubt.ts, in a process of its own. Arguments: entry, maxInFlight, URL of the proxy. */
import { pathToFileURL } from "node:url";
import { serve } from "./shared/serve.ts";

/** What to do; the answer is a {@link DoubtState} after it was done. */
export type DoubtTask =
  /** Publish so many messages a second, a few each millisecond, from now on. */
  | { readonly kind: "steady"; readonly perSecond: number }
  /** Publish so many bytes of payload at once. */
  | { readonly kind: "burst"; readonly bytes: number }
  /** From now on publish `bytes` of payload in each turn, which takes `ms` of work. */
  | { readonly kind: "busy"; readonly bytes: number; readonly ms: number }
  | { readonly kind: "look" };

export interface DoubtState {
  /** Messages by state. */
  readonly accepted: number;
  readonly confirmed: number;
  readonly inDoubt: number;
  /** Bytes of frames in doubt, as they were handed back. */
  readonly inDoubtBytes: number;
  /** Accepted and not ended, bytes of frames. */
  readonly heldBytes: number;
  readonly window: number;
}

const SUBJECT = "bench.doubt.at.10000.per.sec";
const payload = new Uint8Array(128).fill(46);
const frameBytes = `PUB ${SUBJECT} ${payload.length}\r\n`.length + payload.length + 2;
const PART = 100;

const [entry = "", maxInFlight = "", url = ""] = process.argv.slice(2);
const { connect }: typeof import("holdfast") = await import(pathToFileURL(entry).href);
let inDoubtBytes = 0;
const nc = await connect({
  servers: url,
  maxInFlight: Number(maxInFlight),
  // One connection that ends is all there is to see.
  reconnect: false,
  closeTimeout: 0,
  reconnectBuffer: { maxBytes: Infinity },
  onUndelivered: (batch) => {
    inDoubtBytes += batch.filter((message) => message.state === "inDoubt").length * frameBytes;
  },
});
await serve<DoubtTask>(
  "in-doubt",
  (task) => {
    act(task);
    return look();
  },
  async () => {},
);

function act(task: DoubtTask): void {
  switch (task.kind) {
    case "steady":
      steady(task.perSecond);
      return;
    case "burst":
      publish(task.bytes);
      return;
    case "busy":
      busy(task.bytes, task.ms);
      return;
    case "look":
      return;
  }
}

function look(): DoubtState {
  const { accepted, confirmed, inDoubt } = nc.outbound.counts();
  const { window, held } = nc.outbound;
  return { accepted, confirmed, inDoubt, inDoubtBytes, heldBytes: held.bytes, window };
}

function publish(bytes: number): void {
  for (let left = bytes; left > 0 && !nc.isClosed(); left -= payload.length) nc.publish(SUBJECT, payload);
}

function steady(perSecond: number): void {
  const start = performance.now();
  let sent = 0;
  setInterval(() => {
    const wanted = ((performance.now() - start) / 1000) * perSecond;
    for (; sent < wanted && !nc.isClosed(); sent++) nc.publish(SUBJECT, payload);
  }, 1);
}

function busy(bytes: number, ms: number): void {
  const start = performance.now();
  for (let part = 1; part <= PART; part++) {
    publish(bytes / PART);
    while (performance.now() - start < (ms * part) / PART);
  }
  setImmediate(() => busy(bytes, ms));
}

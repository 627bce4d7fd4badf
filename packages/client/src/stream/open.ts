import { InvalidOperationError } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../client/connection.ts";
import type { Runtime } from "../runtime.ts";
import { type AtomicPublisher, BatchPublisher } from "./atomic-publisher.ts";
import { FastSender } from "./fast-sender.ts";
import { resolveStreamOptions } from "./options.ts";
import type { PubAck } from "./pub-ack.ts";
import { type FastPublisher, MessagePublisher, type StreamPublisher } from "./publisher.ts";
import { Sender } from "./sender.ts";

/** What `publishToStream()` documents, on a `Runtime`. */
export function openPublisher(
  nc: HoldfastConnection,
  options: unknown,
  runtime: Runtime,
): StreamPublisher | FastPublisher | AtomicPublisher {
  const resolved = resolveStreamOptions(options);
  switch (resolved.mode) {
    case "each":
      return new MessagePublisher<PubAck>(resolved, runtime, (listener) => new Sender(nc, resolved, runtime, listener));
    case "fast":
      checkVersion(nc, 14, "fast ingest");
      return new MessagePublisher<void>(resolved, runtime, (listener) => new FastSender(nc, resolved, runtime, listener));
    case "atomic":
      checkVersion(nc, 12, "an atomic batch");
      return new BatchPublisher(nc, resolved, runtime);
  }
}

/** Of the server connected to: an older one would store messages of a batch as any others. */
function checkVersion(nc: HoldfastConnection, minor: number, what: string): void {
  const version = nc.info?.version ?? "";
  const [, first, second] = /^(\d+)\.(\d+)\./.exec(version) ?? [];
  if (first === undefined || Number(first) > 2 || (Number(first) === 2 && Number(second) >= minor)) return;
  throw new InvalidOperationError(`${what} needs nats-server 2.${minor} or newer; this is ${version}`);
}

import type { HoldfastOptions } from "../../src/options.ts";
import { resolveOptions } from "../../src/resolve-options.ts";
import type { Runtime } from "../../src/runtime.ts";
import { Session } from "../../src/session/session.ts";
import { nodeRuntime } from "../../src/transport/node-runtime.ts";
import { tcpTransport } from "../../src/transport/tcp.ts";
import { RecordingHost } from "./harness.ts";

/** A session over real sockets and real time; closed at the end of its scope. */
export class RealWorld {
  readonly host: RecordingHost = new RecordingHost();
  readonly session: Session;

  constructor(options: HoldfastOptions, runtime: Runtime = nodeRuntime) {
    const quick: HoldfastOptions = {
      reconnectTimeWait: 20,
      reconnectJitter: 0,
      reconnectJitterTLS: 0,
      closeTimeout: 1000,
      timeout: 10_000,
    };
    this.session = new Session(resolveOptions({ ...quick, ...options }), tcpTransport(), runtime, this.host);
  }

  connect(): Promise<void> {
    return this.session.connect();
  }

  /** Resolves when this status event has come `times` times in all. */
  told(type: string, times: number = 1): Promise<void> {
    return this.host.until(() => this.host.told.filter((one) => one === type).length >= times);
  }

  /** Resolves when the session has ended. */
  over(): Promise<void> {
    return this.host.until(() => this.host.closedWith !== undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.session.close();
  }
}

/** Connects for a moment. */
export async function connectOnce(options: HoldfastOptions): Promise<RealWorld> {
  const world = new RealWorld(options);
  try {
    await world.connect();
  } finally {
    await world.session.close();
  }
  return world;
}

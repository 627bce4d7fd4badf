import type { Runtime } from "../runtime.ts";
import { MemoryLink, type MemorySettings } from "./memory-link.ts";
import { type MemoryPeer, memoryPeer } from "./memory-peer.ts";
import { dialError, resolveError } from "./socket-errors.ts";
import type { Endpoint, Link, SecureOptions, Transport } from "./transport.ts";

export type { MemoryPeer } from "./memory-peer.ts";

/** What becomes of one dial of a memory transport. `delayMs` (default 0: the next turn) comes before either end. */
export type DialAnswer =
  | { readonly kind: "accept"; readonly delayMs?: number }
  /** `error` (default: ECONNREFUSED) is the cause of the ConnectionError that the dial rejects with. */
  | { readonly kind: "refuse"; readonly delayMs?: number; readonly error?: Error }
  /** Nothing, until the dialler's signal aborts. */
  | { readonly kind: "hang" };

/** How a memory transport behaves. */
export interface MemoryOptions {
  /** Runs every event in a turn of its own: on a virtual clock all that happens here is deterministic. */
  readonly runtime: Runtime;
  /** Gets the other end of each link, in the turn in which `dial()` resolves. What it sends at once comes after that. */
  accept(peer: MemoryPeer): void;
  /** Asked for each dial; accepts by default. */
  answer?(endpoint: Endpoint): DialAnswer;
  /** The addresses of a host name; the name itself by default. None: it cannot be resolved. */
  resolve?(hostname: string): readonly string[];
  /** Judges `secure()` and `handshakeFirst`: null lets them succeed, which is the default; an error is the cause of their failing. */
  secured?(options: SecureOptions, tlsName: string): Error | null;
  /** How many bytes the "kernel" takes before the peer reads; at least 1, default 64 KiB. Without limit: `Infinity`. */
  readonly capacity?: number;
  /** `Link.chunkBytes`, at least 1; default 64 KiB. */
  readonly chunkBytes?: number;
  /** `Link.unfinished`; default `"last-item"`. */
  readonly unfinished?: "last-item" | "nothing";
}

/**
 * A transport inside the process, for tests: the test is the peer of every link, and decides byte by byte what the kernel takes, and
 * when and how a link ends. It encrypts nothing: `encrypted` says only that `secure()` was called. An open link keeps no process
 * alive; `MemoryPeer.keepsAlive` tells what its owner asked for.
 *
 * Throws a RangeError for a `capacity` or `chunkBytes` below 1.
 */
export function memoryTransport(options: MemoryOptions): Transport {
  const settings = resolveSettings(options);
  return {
    resolve: async (hostname) => {
      const addresses = options.resolve?.(hostname) ?? [hostname];
      if (addresses.length === 0) throw resolveError(hostname, new Error(`getaddrinfo ENOTFOUND ${hostname}`));
      return addresses;
    },
    dial: async (endpoint, handler, { signal, secure }) => {
      signal.throwIfAborted();
      const answer = options.answer?.(endpoint) ?? { kind: "accept" };
      return answered(settings.runtime, answer, signal, () => {
        if (answer.kind === "refuse") throw dialError(endpoint, answer.error ?? refused(endpoint));
        const encrypted = secure?.handshakeFirst === true;
        const failure = encrypted ? settings.secured(secure, endpoint.tlsName) : null;
        if (failure !== null) throw dialError(endpoint, failure);
        const link = new MemoryLink(endpoint, handler, settings, encrypted);
        options.accept(memoryPeer(link));
        return link;
      });
    },
  };
}

function resolveSettings(options: MemoryOptions): MemorySettings {
  const { runtime, capacity = 64 * 1024, chunkBytes = 64 * 1024, unfinished = "last-item" } = options;
  if (!(capacity >= 1)) throw new RangeError(`memoryTransport: capacity is ${capacity}; it must be at least 1`);
  if (!(chunkBytes >= 1)) throw new RangeError(`memoryTransport: chunkBytes is ${chunkBytes}; it must be at least 1`);
  return { runtime, capacity, chunkBytes, unfinished, secured: (...judged) => options.secured?.(...judged) ?? null };
}

/** Runs `settle` when the answer is due. Rejects at once when the signal aborts; then `settle` does not run. */
function answered(runtime: Runtime, answer: DialAnswer, signal: AbortSignal, settle: () => Link): Promise<Link> {
  return new Promise((resolve, reject) => {
    const due = (): void => {
      if (signal.aborted) return;
      signal.removeEventListener("abort", aborted);
      try {
        resolve(settle());
      } catch (error) {
        reject(error);
      }
    };
    const cancel = schedule(runtime, answer, due);
    const aborted = (): void => {
      cancel();
      reject(signal.reason);
    };
    signal.addEventListener("abort", aborted, { once: true });
  });
}

/** Returns what cancels it. A task for the next turn cannot be cancelled: `due` looks at the signal. */
function schedule(runtime: Runtime, answer: DialAnswer, due: () => void): () => void {
  const nothing = (): void => {};
  if (answer.kind === "hang") return nothing;
  if (answer.delayMs !== undefined && answer.delayMs > 0) {
    const timer = runtime.timer(answer.delayMs, due);
    return () => timer.cancel();
  }
  runtime.nextTurn(due);
  return nothing;
}

function refused(endpoint: Endpoint): Error {
  const message = `connect ECONNREFUSED ${endpoint.hostname}:${endpoint.port}`;
  return Object.assign(new Error(message), { code: "ECONNREFUSED", syscall: "connect" });
}

import { PONG } from "../protocol/encode.ts";
import type { TrackedLink } from "./tracked-link.ts";

/**
 * Writes to a link that the outbound log does not have yet: queues what comes while a chunk is outstanding. Bounded by what a handshake
 * sends: CONNECT, the subscriptions, two PINGs, and one PONG for all the PINGs that came meanwhile.
 */
export class HandshakeWriter {
  readonly #link: TrackedLink;
  readonly #waiting: Uint8Array[] = [];

  constructor(link: TrackedLink) {
    this.#link = link;
  }

  /** Nothing is outstanding and nothing waits: the link can be handed on. */
  get idle(): boolean {
    return !this.#link.outstanding && this.#waiting.length === 0;
  }

  /** `bytes` belongs to the writer from now on. */
  send(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += this.#link.chunkBytes) {
      this.#waiting.push(bytes.subarray(at, at + this.#link.chunkBytes));
    }
    this.#pump();
  }

  /** Answers a PING. A server that sends many without reading gets one answer, so that it cannot make us queue. */
  answerPing(): void {
    if (!this.#waiting.includes(PONG)) this.#waiting.push(PONG);
    this.#pump();
  }

  /** The outstanding chunk is with the kernel. */
  taken(): void {
    this.#pump();
  }

  #pump(): void {
    while (!this.#link.outstanding) {
      const chunk = this.#waiting.shift();
      if (chunk === undefined) return;
      this.#link.write(chunk);
    }
  }
}

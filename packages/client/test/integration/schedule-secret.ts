import type { Cut, Secret } from "./schedule-steps.ts";

/** A limit of all servers of a schedule that no INFO announces, as an account's own limit may be. */
export class SecretLimit {
  /** Messages that broke it, or the control lines of such. */
  broken = 0;
  readonly #secret: Secret;
  /** What was read of the frame that is not read whole. */
  #begun = "";

  constructor(secret: Secret) {
    this.#secret = secret;
  }

  isBroken(size: number): boolean {
    return size > this.#secret.maxPayload;
  }

  /** Bytes were read, and `unfinished` of all so far belong to a frame that is not whole: the size it announces, if that is too much. */
  begun(bytes: Uint8Array, unfinished: number): number | undefined {
    if (unfinished === 0) {
      this.#begun = "";
      return undefined;
    }
    if (unfinished <= bytes.length) this.#begun = "";
    if (this.#begun.length < LONGEST) this.#begun += text(bytes.subarray(-Math.min(unfinished, bytes.length)));
    const size = Number(/^H?PUB [^\r]* (\d+)\r/.exec(this.#begun)?.[1] ?? 0);
    return this.isBroken(size) ? size : undefined;
  }

  /** How the connection ends that brought it, and behind which `-ERR`. */
  refuse(size: number): { how: Cut; text: string | undefined } | undefined {
    if (!this.isBroken(size)) return undefined;
    this.broken++;
    this.#begun = "";
    const { how, silent } = this.#secret;
    return { how, text: this.broken > silent ? "Maximum Payload Violation" : undefined };
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, LONGEST)).toString("latin1");
}

const LONGEST = 400;

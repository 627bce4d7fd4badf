import type { Link, SecureOptions } from "../transport/transport.ts";

/** A link that knows whether a chunk is outstanding on it, whoever wrote it: that decides how the connection may be ended. */
export class TrackedLink implements Link {
  readonly #link: Link;
  #outstanding = false;

  constructor(link: Link) {
    this.#link = link;
  }

  /** The last `write()` returned `false` and `taken()` has not come. */
  get outstanding(): boolean {
    return this.#outstanding;
  }

  get encrypted(): boolean {
    return this.#link.encrypted;
  }

  get chunkBytes(): number {
    return this.#link.chunkBytes;
  }

  get unfinished(): "last-item" | "nothing" {
    return this.#link.unfinished;
  }

  write(chunk: Uint8Array): boolean {
    const taken = this.#link.write(chunk);
    this.#outstanding = !taken;
    return taken;
  }

  writeAll(pieces: readonly Uint8Array[]): boolean {
    const taken = this.#link.writeAll(pieces);
    this.#outstanding = !taken;
    return taken;
  }

  /** The transport said `taken()`. */
  taken(): void {
    this.#outstanding = false;
  }

  secure(options: SecureOptions, tlsName: string): Promise<void> {
    return this.#link.secure(options, tlsName);
  }

  end(): void {
    this.#link.end();
  }

  reset(): void {
    this.#link.reset();
  }

  destroy(): void {
    this.#link.destroy();
  }

  keepAlive(hold: boolean): void {
    this.#link.keepAlive(hold);
  }
}

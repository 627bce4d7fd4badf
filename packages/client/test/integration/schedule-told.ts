import type { Announced } from "./schedule-steps.ts";

/** An INFO, and the byte of the client's stream from which on it must be known; undefined while it may be on its way. */
interface Told {
  readonly announced: Announced;
  from: number | undefined;
}

/** The limits that a connection was told, and from which byte on the client had to keep them. */
export class ToldLimits {
  readonly #told: Told[] = [];

  /** What the handshake announced last. */
  opened(announced: Announced): void {
    this.#told.push({ announced, from: 0 });
  }

  /** A later INFO is on its way. */
  changed(announced: Announced): void {
    this.#told.push({ announced, from: undefined });
  }

  /** Everything that was sent has arrived; what the client hands over behind `byte` comes later. */
  arrived(byte: number): void {
    for (const told of this.#told) told.from ??= byte;
  }

  /** Whether a message of `size` bytes whose frame begins at byte `start` may be sent. */
  allow(start: number, size: number, headers: boolean): boolean {
    const fits = ({ announced }: Told): boolean => size <= announced.maxPayload && (announced.headers || !headers);
    const known = this.#told.filter((told) => told.from !== undefined && told.from <= start).at(-1);
    const later = this.#told.filter((told) => told.from === undefined || told.from > start);
    return later.some(fits) || (known !== undefined && fits(known));
  }
}

/**
 * Recognises a message line that is the last one of the same chunk over again, or begins as that one did up to the space behind its sid:
 * most streams have one subject, and many one size. Four bytes at a time, which costs a fifth of reading them one by one.
 */
export class Repeat {
  #view: DataView | undefined;
  /** Bytes of the last line's beginning, at least 8; 0 for none. */
  #length = 0;
  /** Bytes of the whole last line, its line feed included. */
  #line = 0;
  #at = 0;
  #withHeaders = false;

  /** Where the last line began. */
  get at(): number {
    return this.#at;
  }

  /** Whether it was an HMSG's. */
  get withHeaders(): boolean {
    return this.#withHeaders;
  }

  /** Another chunk is read from now on; without a view nothing is recognised in it. */
  begin(view: DataView | undefined): void {
    this.#view = view;
    this.#length = 0;
  }

  /** The line of a message began at `at` and ended at `lineFeed`; what is behind its sid and a space began at `tail`. */
  remember(at: number, tail: number, lineFeed: number, withHeaders: boolean): void {
    this.#length = tail - at;
    this.#line = lineFeed + 1 - at;
    this.#at = at;
    this.#withHeaders = withHeaders;
  }

  forget(): void {
    this.#length = 0;
  }

  /** A line that begins as the last one did, further on. */
  moved(at: number, lineFeed: number): void {
    this.#line = lineFeed + 1 - at;
    this.#at = at;
  }

  /** Whether the line at `at` is the last one over again, byte for byte. Looks no further than `end`. */
  isSame(at: number, end: number): boolean {
    return this.#length > 0 && this.#agrees(at, this.#line, end);
  }

  /** Where, behind its sid, the line at `at` goes on if it begins as the last one did; else 0. Looks no further than `end`. */
  tailOf(at: number, end: number): number {
    const length = this.#length;
    return length > 0 && this.#agrees(at, length, end) ? at + length : 0;
  }

  /** Whether what is at `at` and where the last line began are the same for `length` bytes, at least 4. */
  #agrees(at: number, length: number, end: number): boolean {
    const view = this.#view;
    if (view === undefined || at + length > end) return false;
    const last = this.#at;
    // From behind: lines differ at their ends. The first four bytes may have been compared already in part.
    for (let i = length - 4; i > 0; i -= 4) if (view.getInt32(at + i, true) !== view.getInt32(last + i, true)) return false;
    return view.getInt32(at, true) === view.getInt32(last, true);
  }
}

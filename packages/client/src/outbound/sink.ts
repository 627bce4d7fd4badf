/** Where bytes go: the part of a `Link` that the log needs. */
export interface Sink {
  readonly chunkBytes: number;
  readonly unfinished: "last-item" | "nothing";
  /** True: taken by the kernel, whole. False: outstanding, until `taken()` or the end of the connection. */
  write(chunk: Uint8Array): boolean;
  /** As `write()`, for a chunk in several pieces. */
  writeAll(pieces: readonly Uint8Array[]): boolean;
}

import { createReadStream, type Stats, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { addAbortSignal } from "node:stream";

/** Where bytes come from: a file, or standard input. */
export interface ByteSource {
  /** For errors. */
  readonly name: string;
  /** Its size when it is known. */
  readonly bytes: number | null;
  open(): Readable;
}

/** `-` is standard input. Throws when the file cannot be read. */
export function byteSource(path: string, option: string): ByteSource {
  if (path === "-") return { name: "standard input", bytes: null, open: () => process.stdin };
  const info = statOf(path, option);
  if (info.isDirectory()) throw new Error(`${option}: ${path} is a directory`);
  return {
    name: path,
    bytes: info.isFile() ? info.size : null,
    open: () => createReadStream(path, { highWaterMark: 64 * 1024 }),
  };
}

/** Its chunks. Ends early, and without an error, when `signal` aborts; other errors name the source. */
export async function* chunksOf(source: ByteSource, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  const stream = addAbortSignal(signal, source.open());
  try {
    for await (const chunk of stream) {
      if (chunk instanceof Uint8Array) yield chunk;
    }
  } catch (error) {
    if (signal.aborted) return;
    throw new Error(`cannot read ${source.name} (${codeOf(error)})`);
  }
}

function statOf(path: string, option: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    throw new Error(`${option}: cannot read ${path} (${codeOf(error)})`);
  }
}

function codeOf(error: unknown): string {
  if (error instanceof Error) return "code" in error ? String(error.code) : error.message;
  return String(error);
}

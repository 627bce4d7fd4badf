import { type Draft, fromRecord } from "../messages/record.ts";
import { fillTemplate } from "../messages/templates.ts";
import { greatestPayload, LineSplitter } from "./line-splitter.ts";
import { type ByteSource, byteSource, chunksOf } from "./source.ts";

/** What is to be published, read bit by bit. */
export interface Input {
  /** In order, a few at a time; once. Ends early when the signal aborts. Rejects with one line for people. */
  batches(signal: AbortSignal): AsyncIterable<readonly Draft[]>;
  /** How much of it was given out, from 0 to 1; null when nobody knows how much there is. */
  fraction(): number | null;
}

/** Everything of a message but its data. */
export type Envelope = Omit<Draft, "data">;

const batchSize = 256;

/** The same text `count` times, its template filled in anew each time when `templates` says so. */
export function textInput(envelope: Envelope, text: string, count: number, templates: boolean): Input {
  const encoder = new TextEncoder();
  let given = 0;
  return {
    fraction: () => given / count,
    async *batches(signal) {
      while (given < count && !signal.aborted) {
        const batch = Array.from({ length: Math.min(batchSize, count - given) }, (_, i) => {
          const filled = templates ? fillTemplate(text, given + i + 1) : text;
          return { ...envelope, data: encoder.encode(filled) };
        });
        given += batch.length;
        yield batch;
      }
    },
  };
}

/** Files or standard input (`-`): each whole, or each line, is a message, and is published `count` times in a row. */
export function bytesInput(
  envelope: Envelope,
  paths: readonly string[],
  by: "line" | "whole",
  count: number,
  option: string,
): Input {
  const sources = paths.map((path) => byteSource(path, option));
  const reading = new Reading(sources);
  return {
    fraction: () => reading.fraction(),
    async *batches(signal) {
      for (const source of sources) {
        const parts = by === "line" ? linesOf(source, reading, signal) : wholeOf(source, reading, signal);
        for await (const part of parts) yield* repeated(part, envelope, count);
      }
    },
  };
}

/** Lines of JSON, as `--undelivered` and `sub --json` write them. A line that is none ends the input with its number. */
export function recordsInput(path: string): Input {
  const source = byteSource(path, "--from");
  const reading = new Reading([source]);
  return {
    fraction: () => reading.fraction(),
    async *batches(signal) {
      let number = 0;
      const decoder = new TextDecoder();
      for await (const lines of linesOf(source, reading, signal)) {
        const batch: Draft[] = [];
        for (const line of lines) {
          number += 1;
          const text = decoder.decode(line);
          if (text.trim() === "") continue;
          const draft = recordAt(text, `${source.name}, line ${number}`);
          if (draft instanceof Error) {
            // What stands before it is good, and goes first.
            yield batch;
            throw draft;
          }
          batch.push(draft);
        }
        yield batch;
      }
    },
  };
}

/** Counts the bytes read of sources whose sizes are known. */
class Reading {
  readonly #total: number | null;
  #read = 0;

  constructor(sources: readonly ByteSource[]) {
    this.#total = sources.reduce<number | null>((sum, { bytes }) => (sum === null || bytes === null ? null : sum + bytes), 0);
  }

  add(bytes: number): void {
    this.#read += bytes;
  }

  fraction(): number | null {
    if (this.#total === null) return null;
    return this.#total === 0 ? 1 : Math.min(1, this.#read / this.#total);
  }
}

async function* linesOf(
  source: ByteSource,
  reading: Reading,
  signal: AbortSignal,
): AsyncGenerator<readonly Uint8Array[], void, void> {
  const splitter = new LineSplitter();
  for await (const chunk of chunksOf(source, signal)) {
    const lines = splitter.push(chunk);
    reading.add(chunk.length);
    yield lines;
  }
  // The beginning of a line is no line.
  const last = signal.aborted ? null : splitter.end();
  if (last !== null) yield [last];
}

async function* wholeOf(
  source: ByteSource,
  reading: Reading,
  signal: AbortSignal,
): AsyncGenerator<readonly Uint8Array[], void, void> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunksOf(source, signal)) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > greatestPayload)
      throw new Error(
        `${source.name} is larger than ${greatestPayload} bytes: no server takes such a message; --lines publishes it line by line`,
      );
  }
  if (signal.aborted) return;
  reading.add(bytes);
  yield [Buffer.concat(chunks)];
}

/** In batches of bounded size, however often each is to be published. */
function* repeated(parts: readonly Uint8Array[], envelope: Envelope, count: number): Generator<readonly Draft[], void, void> {
  if (count === 1) {
    yield parts.map((data) => ({ ...envelope, data }));
    return;
  }
  for (const data of parts) {
    const draft = { ...envelope, data };
    for (let left = count; left > 0; left -= batchSize) yield Array.from({ length: Math.min(batchSize, left) }, () => draft);
  }
}

function recordAt(text: string, place: string): Draft | Error {
  try {
    return fromRecord(text);
  } catch (error) {
    return new Error(`--from: ${place}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

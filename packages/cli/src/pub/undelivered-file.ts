import { closeSync, openSync, statSync, writeSync } from "node:fs";
import { type Draft, type RecordExtras, toRecord } from "../messages/record.ts";

/**
 * The file of `--undelivered`. It is written at once, not through a stream: what has been handed back must be in it however the process
 * ends, and must not pile up in memory.
 */
export class UndeliveredFile {
  readonly path: string;
  readonly #descriptor: number;
  #written = 0;
  #failure: string | null = null;
  #missing = 0;

  /** Throws when it cannot be written, or has something in it. */
  constructor(path: string) {
    this.path = path;
    refuseFilled(path);
    try {
      this.#descriptor = openSync(path, "a");
    } catch (error) {
      throw new Error(`--undelivered: cannot write ${path} (${codeOf(error)})`);
    }
  }

  /** How many messages are in it. */
  get written(): number {
    return this.#written;
  }

  /** What could not be written, in words; null when all could. */
  get failure(): string | null {
    return this.#failure === null
      ? null
      : `cannot write ${this.path} (${this.#failure}): ${this.#missing} messages are missing in it`;
  }

  add(messages: readonly (readonly [message: Draft, extras: RecordExtras])[]): void {
    if (messages.length === 0) return;
    const text = messages.map(([message, extras]) => `${toRecord(message, extras)}\n`).join("");
    try {
      if (this.#failure === null) writeAll(this.#descriptor, Buffer.from(text));
    } catch (error) {
      // A half written line is no line: nothing is written behind it.
      this.#failure = codeOf(error);
    }
    if (this.#failure === null) this.#written += messages.length;
    else this.#missing += messages.length;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** Neither mixed with another run's messages, nor overwritten: it may be the only copy, or what `--from` reads. */
function refuseFilled(path: string): void {
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined || !info.isFile() || info.size === 0) return;
  throw new Error(
    `--undelivered: ${path} has ${info.size} bytes already: publish them with \`holdfast pub --from ${path}\`, or name another file`,
  );
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

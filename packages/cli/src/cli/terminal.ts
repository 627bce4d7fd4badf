import { writeSync } from "node:fs";

/** One line for people, on standard error, at once: also when the process ends right behind it. */
export function tell(line: string): void {
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // EAGAIN of a full pipe: the stream keeps it. When the reader has gone nobody can be told.
    process.stderr.write(`${line}\n`);
  }
}

/** Writes to standard output and resolves when there is room for more, so that a slow reader slows us down. */
export async function print(text: string | Uint8Array): Promise<void> {
  if (process.stdout.write(text)) return;
  await new Promise<void>((resolve) => {
    const go = (): void => {
      process.stdout.off("drain", go);
      process.stdout.off("close", go);
      resolve();
    };
    process.stdout.on("drain", go);
    process.stdout.on("close", go);
  });
}

import type { StepEnd } from "./messages.ts";

/** Runs a step and says how it ended, at the latest after `limitMs`. Never rejects; a step that ends later ends unheard. */
export async function withLimit(step: () => Promise<void>, limitMs: number): Promise<StepEnd> {
  const start = performance.now();
  const elapsed = (): number => Math.round(performance.now() - start);
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<StepEnd>((resolve) => {
    timer = setTimeout(() => resolve({ kind: "timed out", ms: elapsed() }), limitMs);
  });
  const ended = settle(step).then(
    (): StepEnd => ({ kind: "done", ms: elapsed() }),
    (error: unknown): StepEnd => ({ kind: "failed", ms: elapsed(), reason: oneLine(error) }),
  );
  const end = await Promise.race([ended, tooLate]);
  clearTimeout(timer);
  return end;
}

/** An error as one line for people. */
export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.replace(/\s*\n\s*/g, " ").trim();
}

/** A step that throws at once rejects like one that throws later. */
async function settle(step: () => Promise<void>): Promise<void> {
  await step();
}

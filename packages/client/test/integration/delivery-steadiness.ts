/** Memory and handles of this process over time: they may go up and down, but not up and up. */
import { setTimeout as sleep } from "node:timers/promises";

/** How much more than after the warm-up is still flat. */
const rssAllowance = 64 * 1024 * 1024;
const heapAllowance = 16 * 1024 * 1024;
const handleAllowance = 20;
/** The share of the samples that is warm-up: heaps grow to their size. */
const warmUp = 0.25;

interface Sample {
  readonly rss: number;
  readonly heap: number;
  readonly handles: number;
  readonly held: number;
}

/** To be looked at every second. */
export class Steadiness {
  readonly #samples: Sample[] = [];

  /** `held`: messages that the client holds at this moment. */
  sample(held: number): void {
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
    this.#samples.push({ rss, heap: heapUsed + arrayBuffers, handles: process.getActiveResourcesInfo().length, held });
  }

  /** A last sample when all is quiet, and the figures in a sentence. */
  async settle(): Promise<string> {
    await sleep(200);
    this.sample(0);
    const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;
    const { early, late } = this.#halves();
    const last = this.#samples.at(-1);
    return (
      `RSS ${mebibytes(peak(early, "rss"))} at most in the middle, ${mebibytes(peak(late, "rss"))} at the end; ` +
      `heap and buffers ${mebibytes(floor(early, "heap"))} at least, then ${mebibytes(floor(late, "heap"))}; ` +
      `handles ${peak(early, "handles")} at most, then ${peak(late, "handles")}, ${last?.handles ?? 0} when quiet; ` +
      `held ${peak(this.#samples, "held")} messages at most`
    );
  }

  /** What grew from the second quarter of the time to the last. */
  problems(): string[] {
    const { early, late } = this.#halves();
    const found: string[] = [];
    const compare = (what: string, before: number, after: number, allowance: number): void => {
      if (after > before + allowance) found.push(`${what} went from ${before} to ${after}`);
    };
    compare("RSS", peak(early, "rss"), peak(late, "rss"), rssAllowance);
    // Between two collections the heap grows as it likes: its floor tells.
    compare("heap and buffers", floor(early, "heap"), floor(late, "heap"), heapAllowance);
    compare("handles", peak(early, "handles"), peak(late, "handles"), handleAllowance);
    return found;
  }

  #halves(): { early: readonly Sample[]; late: readonly Sample[] } {
    const from = Math.floor(this.#samples.length * warmUp);
    const middle = Math.floor((from + this.#samples.length) / 2);
    return { early: this.#samples.slice(from, middle), late: this.#samples.slice(middle) };
  }
}

function peak(samples: readonly Sample[], what: keyof Sample): number {
  return Math.max(0, ...samples.map((sample) => sample[what]));
}

function floor(samples: readonly Sample[], what: keyof Sample): number {
  return Math.min(...samples.map((sample) => sample[what]));
}

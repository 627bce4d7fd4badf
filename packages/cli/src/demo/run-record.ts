import type { DemoEvent, Sample } from "./event.ts";
import type { ClientName } from "./options.ts";

/** How far a run is. */
export type Stage = "connecting" | "before" | "fault" | "after" | "reading";

/** Everything that a run has told so far, for who draws it. */
export class RunRecord {
  readonly #samples: Map<ClientName, Sample[]> = new Map();
  #stage: Stage = "connecting";
  #start: number | null = null;
  #faultBeganMs: number | null = null;
  #faultEndedMs: number | null = null;

  hear(event: DemoEvent): void {
    switch (event.kind) {
      case "note":
        return;
      case "start":
        this.#stage = "before";
        this.#start = event.at;
        return;
      case "fault begins":
        this.#stage = "fault";
        this.#faultBeganMs = event.atMs;
        return;
      case "fault over":
        this.#stage = "after";
        this.#faultEndedMs = event.atMs;
        return;
      case "published":
        this.#stage = "reading";
        return;
      case "sample": {
        const { client } = event.sample;
        const samples = this.#samples.get(client) ?? [];
        this.#samples.set(client, samples);
        samples.push(event.sample);
        return;
      }
    }
  }

  get stage(): Stage {
    return this.#stage;
  }
  /** When the publishing began, on the clock of `performance.now()`; `null` as long as it has not been said. */
  get start(): number | null {
    return this.#start;
  }
  /** Milliseconds since the start; `null` as long as it has not come. */
  get faultBeganMs(): number | null {
    return this.#faultBeganMs;
  }
  get faultEndedMs(): number | null {
    return this.#faultEndedMs;
  }

  /** In order; empty for a client that has said nothing yet. */
  samplesOf(client: ClientName): readonly Sample[] {
    return this.#samples.get(client) ?? [];
  }
}

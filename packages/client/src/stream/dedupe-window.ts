import type { HoldfastConnection } from "../client/connection.ts";
import type { ResolvedStreamOptions } from "./options.ts";

/**
 * How long after its first sending a message that may be stored can be sent again, so that the stream still knows its id: nine
 * tenths of the stream's `duplicate_window`, because the last copy needs time to arrive. The stream is asked once it is known, at the
 * latest when the answer is needed; if it does not tell (no permission, no leader), JetStream's default of two minutes is assumed.
 */
export class DedupeWindow {
  readonly #nc: HoldfastConnection;
  readonly #options: ResolvedStreamOptions;
  #stream: string | undefined;
  #ms: number | undefined;
  #asking: Promise<void> | undefined;
  /** How often it may still be asked, before the default is assumed: a connection that may not ask is told so each time, in `nc.status()`. */
  #tries = 3;

  constructor(nc: HoldfastConnection, options: ResolvedStreamOptions) {
    this.#nc = nc;
    this.#options = options;
    this.#stream = options.stream;
    this.#ms = options.dedupeWindow;
    if (this.#ms !== undefined) this.#tries = 0;
  }

  /** Milliseconds; undefined as long as it is worth while to ask. */
  get ms(): number | undefined {
    return this.#ms;
  }

  /** The stream acknowledged a message. The first time it is asked at once: it may not be able to answer when that is needed. */
  learn(stream: string): void {
    if (this.#tries === 0 || this.#asking !== undefined) return;
    this.#stream ??= stream;
    this.ask("").catch(() => {});
  }

  /** Asks by the stream's name, or by a subject that it takes. Resolves, never rejects, when there was an answer or none came in time. */
  ask(subject: string): Promise<void> {
    this.#asking ??= this.#ask(subject).then((ms) => {
      this.#asking = undefined;
      this.#tries = ms === undefined ? this.#tries - 1 : 0;
      if (this.#tries === 0) this.#ms = ms ?? ASSUMED;
    });
    return this.#asking;
  }

  async #ask(subject: string): Promise<number | undefined> {
    try {
      const name = this.#stream ?? (await this.#nameOf(subject));
      if (name === undefined) return undefined;
      const info = await this.#request(`STREAM.INFO.${name}`, "");
      const nanos = recordOf(recordOf(info).config).duplicate_window;
      return typeof nanos === "number" ? (nanos / NANOS_PER_MS) * SAFE : undefined;
    } catch {
      return undefined;
    }
  }

  async #nameOf(subject: string): Promise<string | undefined> {
    const { streams } = recordOf(await this.#request("STREAM.NAMES", JSON.stringify({ subject })));
    const first: unknown = Array.isArray(streams) ? streams[0] : undefined;
    return typeof first === "string" ? first : undefined;
  }

  async #request(api: string, payload: string): Promise<unknown> {
    const answer = await this.#nc.request(`${this.#options.apiPrefix}.${api}`, payload, { timeout: PATIENCE });
    return answer.json();
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

const SAFE = 0.9;
const NANOS_PER_MS = 1e6;
const ASSUMED = 120_000 * SAFE;
const PATIENCE = 2_000;

import { ConnectionError, type Server, type ServerInfo } from "@nats-io/nats-core";
import type { ResolvedOptions } from "../options.ts";
import type { Runtime } from "../runtime.ts";
import { type BackoffOptions, drawWait } from "./backoff.ts";
import { toError } from "./failure.ts";
import type { Effect, SessionEvent } from "./lifecycle.ts";
import type { PoolServer, ServerPool } from "./pool.ts";

/** The answers to `select`. */
export type Choice = Extract<SessionEvent<PoolServer>, { type: "notDue" | "chosen" | "exhausted" | "handlerFailed" }>;

/** What the chooser looks at besides the pool. */
export type ChooserOptions = BackoffOptions & Pick<ResolvedOptions, "reconnectToServer">;

/** Says which server is dialled next, and when: the pool's turns, the waiting time, and the user's `reconnectToServer`. */
export class Chooser {
  readonly #options: ChooserOptions;
  readonly #pool: ServerPool;
  readonly #runtime: Runtime;
  readonly #report: (error: Error) => void;
  /** How long a server is left alone after its last turn, in ms. */
  #wait = 0;

  /** `report` is told about a `reconnectDelayHandler` that fails. */
  constructor(options: ChooserOptions, pool: ServerPool, runtime: Runtime, report: (error: Error) => void) {
    this.#options = options;
    this.#pool = pool;
    this.#runtime = runtime;
    this.#report = report;
  }

  /** `tls`: which jitter applies. `info`: the last INFO, for the user's handler. */
  choose(effect: Extract<Effect<PoolServer>, { do: "select" }>, tls: boolean, info: ServerInfo | undefined): Choice {
    const { among, fresh } = effect;
    if (fresh) this.#wait = drawWait(this.#options, tls, () => this.#runtime.random(), this.#report);
    const candidate = this.#pool.next(this.#runtime.now(), this.#wait, among);
    if (candidate === undefined) return { type: "exhausted" };
    const { server, delayMs } = candidate;
    // Also without a waiting time a server is dialled again from a timer only: a loop of microtasks would stop the process.
    const again = fresh && server.lastTurn !== undefined;
    if (delayMs > 0 || again) return { type: "notDue", delayMs };
    // Whoever is dialled now, this server had its turn: a handler that always names another one must wait too.
    this.#pool.passed(server, this.#runtime.now());
    try {
      return this.#ask(server, info);
    } catch (thrown) {
      const cause = toError(thrown);
      const error = new ConnectionError(`client option reconnectToServer handler failed: ${cause.message}`, { cause });
      return { type: "handlerFailed", error };
    }
  }

  /** `reconnectToServer` may choose another server than the one whose turn it is, and have it wait. Throws what the handler throws. */
  #ask(due: PoolServer, info: ServerInfo | undefined): Choice {
    const answer = this.#options.reconnectToServer?.(this.#pool.snapshot(due), info ?? null) ?? due;
    const { server, delay } = "delay" in answer && "server" in answer ? answer : { server: answer, delay: 0 };
    const chosen = this.#find(server, due);
    if (chosen === undefined) throw new Error("returned server is not in the pool");
    return { type: "chosen", server: chosen, delayMs: Number.isFinite(delay) && delay > 0 ? Math.floor(delay) : 0 };
  }

  #find(server: Server | PoolServer, due: PoolServer): PoolServer | undefined {
    return server.listen === due.listen ? due : this.#pool.find(server.listen);
  }
}

import type { Timer } from "../../src/runtime.ts";
import type { VirtualClock } from "../../src/testing/virtual-clock.ts";
import type { Announced, DialScript } from "./schedule-steps.ts";

/** What the server's handshake does to its connection. */
export interface HandshakeActions {
  send(text: string): void;
  /** The script says that the server dies here. */
  die(): void;
  /** The second PONG is due. */
  open(announced: Announced): void;
  fail(what: string): void;
}

/** The server's part of the handshake, with the pauses and the death that its script says. */
export class ServerHandshake {
  /** `greeting` until the first PONG, `subscribing` until the second. */
  stage: "greeting" | "subscribing" = "greeting";
  readonly #script: DialScript;
  readonly #clock: VirtualClock;
  readonly #actions: HandshakeActions;
  readonly #timers = new Set<Timer>();
  #announced: Announced;
  #pings = 0;

  constructor(script: DialScript, clock: VirtualClock, actions: HandshakeActions) {
    this.#script = script;
    this.#clock = clock;
    this.#actions = actions;
    this.#announced = script.info;
  }

  start(): void {
    this.#after(0, () => {
      const { dies, info } = this.#script;
      if (dies === "silent") return;
      if (dies === "greeting") return this.#actions.die();
      if (dies === "garbage") return this.#actions.send("HTTP/1.1 400 Bad Request\r\n\r\n");
      this.#actions.send(infoLine(info));
      if (dies === "introduced") this.#actions.die();
    });
  }

  /** Another INFO. */
  inform(announced: Announced): void {
    if (this.stage === "greeting") return;
    this.#announced = announced;
    this.#actions.send(infoLine(announced));
  }

  /** The client's PING. */
  ping(): void {
    this.#pings++;
    const { dies } = this.#script;
    if (this.#pings === 1) {
      if (dies === "asked") return this.#actions.die();
      this.#after(1, () => this.#authenticated());
    } else if (this.#pings === 2 && this.stage === "subscribing") {
      if (dies === "subscribed") return this.#actions.die();
      this.#after(2, () => this.#actions.open(this.#announced));
    } else {
      this.#actions.fail(`PING number ${this.#pings} in the handshake`);
    }
  }

  /** Also for the end of the connection: nothing is done any more. */
  stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #authenticated(): void {
    const { dies, account } = this.#script;
    this.stage = "subscribing";
    this.#actions.send("PONG\r\n");
    if (account !== null) this.inform(account);
    if (dies === "authenticated") this.#actions.die();
  }

  #after(pause: 0 | 1 | 2, task: () => void): void {
    const ms = this.#script.pauses[pause];
    if (ms === 0) return task();
    const timer = this.#clock.timer(ms, () => {
      this.#timers.delete(timer);
      task();
    });
    this.#timers.add(timer);
  }
}

export function infoLine({ maxPayload, headers }: Announced, ldm = false): string {
  const info = { server_id: "S", server_name: "s", version: "2.15.2", proto: 1, max_payload: maxPayload, headers, ldm };
  return `INFO ${JSON.stringify(info)}\r\n`;
}

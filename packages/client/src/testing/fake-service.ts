import type { FakeRouter, RoutedClient, RoutedMessage } from "./fake-router.ts";
import type { WireFrame } from "./wire-reader.ts";

/** How a {@link FakeService} reaches its client. */
export interface ServiceOutput {
  send(data: string): void;
  deliver(message: RoutedMessage): void;
  /** Sends `-ERR` and ends the connection; without a text it is reset. */
  fail(text: string | null): void;
}

/** Why a server ends the connection because of this PUB or HPUB: the text of its `-ERR`, or `null` for none; `undefined`: it takes it. */
export type Refusal = (command: WireFrame) => string | null | undefined;

/** Answers one client's commands as a small real server would. */
export class FakeService {
  readonly #out: ServiceOutput;
  readonly #router: FakeRouter;
  readonly #refusal: Refusal;
  #client: RoutedClient;
  #verbose = false;
  /** PONGs withheld; `null` while they are sent at once. */
  #heldPongs: number | null = null;

  constructor(out: ServiceOutput, router: FakeRouter, refusal: Refusal) {
    this.#out = out;
    this.#router = router;
    this.#refusal = refusal;
    this.#client = { echo: true, noResponders: false, deliver: (message) => out.deliver(message) };
  }

  get heldPongs(): number {
    return this.#heldPongs ?? 0;
  }

  holdPongs(): void {
    this.#heldPongs ??= 0;
  }

  /** Sends `count` PONGs and goes on withholding; without a count sends all and stops withholding. */
  releasePongs(count?: number): void {
    const held = this.heldPongs;
    const released = Math.min(count ?? held, held);
    this.#heldPongs = count === undefined ? null : held - released;
    if (released > 0) this.#out.send("PONG\r\n".repeat(released));
  }

  /** Its subscriptions are gone. */
  close(): void {
    this.#router.forget(this.#client);
  }

  answer(command: WireFrame): void {
    switch (command.verb) {
      case "PING":
        if (this.#heldPongs === null) this.#out.send("PONG\r\n");
        else this.#heldPongs += 1;
        return;
      case "PONG":
        return;
      case "CONNECT":
        this.#connect(command);
        return;
      case "SUB":
        this.#router.subscribe(this.#client, command);
        this.#acknowledge();
        return;
      case "UNSUB":
        this.#router.unsubscribe(this.#client, command);
        this.#acknowledge();
        return;
      case "PUB":
      case "HPUB":
        this.#publish(command);
        return;
      default:
        this.#out.fail("Unknown Protocol Operation");
    }
  }

  #connect({ rest }: WireFrame): void {
    let options: Record<string, unknown>;
    try {
      options = decodeObject(rest);
    } catch {
      this.#out.fail("Parser Error");
      return;
    }
    this.#router.forget(this.#client);
    this.#verbose = options.verbose === true;
    this.#client = {
      echo: options.echo !== false,
      noResponders: options.no_responders === true && options.headers === true,
      deliver: (message) => this.#out.deliver(message),
    };
    this.#acknowledge();
  }

  #publish(command: WireFrame): void {
    const refusal = this.#refusal(command);
    if (refusal !== undefined) {
      this.#out.fail(refusal);
      return;
    }
    this.#router.publish(this.#client, command);
    this.#acknowledge();
  }

  #acknowledge(): void {
    if (this.#verbose) this.#out.send("+OK\r\n");
  }
}

/** The JSON object in a CONNECT. Throws an error that shows what was there instead. */
export function decodeObject(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return Object.fromEntries(Object.entries(value));
  throw new TypeError(`expected a JSON object, not ${text.slice(0, 200)}`);
}

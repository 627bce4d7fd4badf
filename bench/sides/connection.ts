import { type ConnectionOptions, connect as connectOfficial, type NatsConnection } from "@nats-io/transport-node";
import type { Counts, HoldfastConnection } from "holdfast";
import type { Setup } from "../shared/tasks.ts";

/** The client of a side: Holdfast where the set-up names a library, else the official one. */
export class SideClient {
  /** Messages that were published so far, with numbers from 0. */
  published = 0;
  readonly #setup: Setup;
  readonly #library: typeof import("holdfast") | undefined;
  readonly #nc: NatsConnection | undefined;

  private constructor(setup: Setup, library: typeof import("holdfast") | undefined, nc: NatsConnection | undefined) {
    this.#setup = setup;
    this.#library = library;
    this.#nc = nc;
  }

  static async open(setup: Setup): Promise<SideClient> {
    const library: typeof import("holdfast") | undefined = setup.library === undefined ? undefined : await import(setup.library);
    const client = new SideClient(setup, library, undefined);
    return setup.down === true ? client : new SideClient(setup, library, await client.connect());
  }

  /** Throws for a side that was set up without a server. */
  get nc(): NatsConnection {
    if (this.#nc === undefined) throw new Error("this side has no connection");
    return this.#nc;
  }

  /** The library, `undefined` for the official client. */
  get library(): typeof import("holdfast") | undefined {
    return this.#library;
  }

  /** Another connection, with other options. */
  async connect(options: ConnectionOptions = {}, url: string = this.#setup.url): Promise<NatsConnection> {
    const { ca } = this.#setup;
    const all = { servers: url, ...(ca === undefined ? {} : { tls: { ca } }), ...this.#setup.options, ...options };
    return await (this.#library?.connect ?? connectOfficial)(all);
  }

  /**
   * Throws unless everything that was published is confirmed and adds up. The official client cannot tell. Returns what to add to the answer.
   *
   * @param beside whether the library may have published something of its own, too
   */
  check(beside = false): { readonly window?: number } {
    const outbound = outboundOf(this.#nc);
    if (outbound === undefined) return {};
    addUp(outbound.counts());
    const { accepted, confirmed } = outbound.counts();
    if (confirmed !== accepted || (beside ? accepted < this.published : accepted !== this.published)) {
      throw new Error(`published ${this.published}, but counts() says accepted ${accepted}, confirmed ${confirmed}`);
    }
    return { window: outbound.window };
  }

  async close(): Promise<void> {
    await this.#nc?.close();
  }
}

/** The outbound side of a connection, where it has one. */
export function outboundOf(nc: NatsConnection | undefined): HoldfastConnection["outbound"] | undefined {
  return nc !== undefined && "outbound" in nc ? (nc as HoldfastConnection).outbound : undefined;
}

/** Throws unless every accepted message is in exactly one state. */
export function addUp(counts: Counts): void {
  const { accepted, confirmed, rejected, inDoubt, dropped, expired, undeliverable, abandoned, inFlight, buffered } = counts;
  const sum = confirmed + rejected + inDoubt + dropped + expired + undeliverable + abandoned + inFlight + buffered;
  if (sum !== accepted) throw new Error(`counts() does not add up: ${JSON.stringify(counts)}`);
}

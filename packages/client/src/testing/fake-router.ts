import type { WireFrame } from "./wire-reader.ts";

/** A message on its way to a subscription. */
export interface RoutedMessage {
  readonly sid: string;
  readonly subject: string;
  readonly reply?: string;
  readonly headers?: Uint8Array;
  readonly payload: Uint8Array;
}

/** A client as the router sees it. */
export interface RoutedClient {
  /** From its CONNECT: whether it gets its own messages. */
  readonly echo: boolean;
  /** From its CONNECT: whether it understands headers and wants to be told when nobody listens. */
  readonly noResponders: boolean;
  deliver(message: RoutedMessage): void;
}

interface Interest {
  readonly client: RoutedClient;
  readonly sid: string;
  readonly tokens: readonly string[];
  readonly queue: string | null;
  delivered: number;
  /** From UNSUB: the interest ends after so many messages. */
  max: number;
}

/**
 * Routes messages between the clients of one fake server: wildcards, queue groups, UNSUB with a number, no-responders. No
 * accounts, no permissions.
 */
export class FakeRouter {
  readonly #interests: Set<Interest> = new Set();
  #round = 0;

  /** `SUB <subject> [queue] <sid>` */
  subscribe(client: RoutedClient, { args }: WireFrame): void {
    const sid = args.at(-1) ?? "";
    if (this.#find(client, sid) !== undefined) return;
    const queue = args.length === 3 ? (args[1] ?? null) : null;
    this.#interests.add({ client, sid, tokens: (args[0] ?? "").split("."), queue, delivered: 0, max: Number.POSITIVE_INFINITY });
  }

  /** `UNSUB <sid> [max]` */
  unsubscribe(client: RoutedClient, { args }: WireFrame): void {
    const interest = this.#find(client, args[0] ?? "");
    if (interest === undefined) return;
    interest.max = args[1] === undefined ? 0 : Number(args[1]);
    if (interest.delivered >= interest.max) this.#interests.delete(interest);
  }

  /** `PUB <subject> [reply] <size>` and `HPUB <subject> [reply] <header size> <size>` */
  publish(client: RoutedClient, { verb, args, headers, payload }: WireFrame): void {
    const subject = args[0] ?? "";
    const hasReply = args.length === (verb === "HPUB" ? 4 : 3);
    const reply = hasReply ? args[1] : undefined;
    const receivers = this.#receivers(client, subject);
    for (const interest of receivers) {
      interest.client.deliver({
        sid: interest.sid,
        subject,
        ...(reply === undefined ? {} : { reply }),
        ...(headers === null ? {} : { headers }),
        payload: payload ?? new Uint8Array(),
      });
      interest.delivered += 1;
      if (interest.delivered >= interest.max) this.#interests.delete(interest);
    }
    if (receivers.length === 0 && reply !== undefined && client.noResponders) this.#tellNoResponders(client, reply);
  }

  /** The client is gone. */
  forget(client: RoutedClient): void {
    for (const interest of this.#interests) if (interest.client === client) this.#interests.delete(interest);
  }

  #find(client: RoutedClient, sid: string): Interest | undefined {
    for (const interest of this.#interests) if (interest.client === client && interest.sid === sid) return interest;
    return undefined;
  }

  /** Everyone without a queue, and one of each queue in turn. */
  #receivers(from: RoutedClient, subject: string): Interest[] {
    const tokens = subject.split(".");
    const receivers: Interest[] = [];
    const queues = new Map<string, Interest[]>();
    for (const interest of this.#interests) {
      if (!matches(interest.tokens, tokens) || (interest.client === from && !from.echo)) continue;
      if (interest.queue === null) receivers.push(interest);
      else queues.set(interest.queue, [...(queues.get(interest.queue) ?? []), interest]);
    }
    for (const members of queues.values()) {
      const member = members[this.#round++ % members.length];
      if (member !== undefined) receivers.push(member);
    }
    return receivers;
  }

  #tellNoResponders(client: RoutedClient, reply: string): void {
    const headers = new TextEncoder().encode("NATS/1.0 503\r\n\r\n");
    const tokens = reply.split(".");
    for (const interest of this.#interests) {
      if (interest.client !== client || !matches(interest.tokens, tokens)) continue;
      client.deliver({ sid: interest.sid, subject: reply, headers, payload: new Uint8Array() });
      return;
    }
  }
}

/** Whether a subscription's tokens, with `*` and `>`, match a subject's. */
function matches(pattern: readonly string[], subject: readonly string[]): boolean {
  for (const [index, token] of pattern.entries()) {
    if (token === ">") return subject.length > index;
    if (index >= subject.length || (token !== "*" && token !== subject[index])) return false;
  }
  return pattern.length === subject.length;
}

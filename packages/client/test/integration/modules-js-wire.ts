/** What went over the wire between the client and its server, as the fault proxy saw it. */
import type { ProxiedFrame } from "../../src/testing/index.ts";

/** A message on the wire, either way. */
export interface WireMessage {
  /** 1 for the client's first connection, then counted on. */
  readonly connection: number;
  readonly toServer: boolean;
  readonly subject: string;
  readonly reply: string;
  readonly headers: string;
  readonly text: string;
}

/** The messages that the proxy has forwarded whole, in order. */
export class Wire {
  readonly messages: WireMessage[] = [];

  add(frame: ProxiedFrame): void {
    const { verb, args, direction, connection } = frame;
    const lengths = { PUB: 1, HPUB: 2, MSG: 1, HMSG: 2 }[verb];
    if (lengths === undefined) return;
    const toServer = direction === "toServer";
    const before = toServer ? 1 : 2;
    this.messages.push({
      connection: connection.id,
      toServer,
      subject: args[0] ?? "",
      reply: args.length > before + lengths ? (args[before] ?? "") : "",
      headers: new TextDecoder().decode(frame.headers ?? new Uint8Array()),
      text: new TextDecoder().decode(frame.payload ?? new Uint8Array()),
    });
  }

  /** What the client sent, below a subject or with a part of it. */
  sent(part: string): WireMessage[] {
    return this.messages.filter(({ toServer, subject }) => toServer && subject.includes(part));
  }

  /** What the client sent to acknowledge with this word. */
  acks(word: string): WireMessage[] {
    return this.sent("$JS.ACK.").filter(({ text }) => text.startsWith(word));
  }

  /** The connection that the client used last, once it has sent something. */
  get last(): number {
    return this.messages.at(-1)?.connection ?? 0;
  }

  /**
   * The most messages that were ever asked for by pulls on one connection, and had not come on it yet. A pull that the server ends
   * says how many it still owed.
   */
  mostOutstanding(): number {
    let most = 0;
    const owed = new Map<number, number>();
    for (const message of this.messages) {
      const before = owed.get(message.connection) ?? 0;
      const after = before + owing(message);
      owed.set(message.connection, after);
      most = Math.max(most, after);
    }
    return most;
  }
}

function owing({ toServer, subject, reply, headers, text }: WireMessage): number {
  if (toServer) return subject.includes(".CONSUMER.MSG.NEXT.") ? (decodeBatch(text) ?? 1) : 0;
  if (reply.startsWith("$JS.ACK.")) return -1;
  return -Number(/Nats-Pending-Messages: (\d+)/.exec(headers)?.[1] ?? 0);
}

function decodeBatch(text: string): number | undefined {
  return (JSON.parse(text) as { batch?: number }).batch;
}

/** The sequence number in the stream of the message that is acknowledged to this subject. */
export function ackedSeq(subject: string): number {
  // $JS.ACK.<stream>.<consumer>.<deliveries>.<sequence in the stream>.<sequence of the consumer>.<time>.<pending>
  return Number(subject.split(".")[5]);
}

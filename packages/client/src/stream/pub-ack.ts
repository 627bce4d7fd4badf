/** A stream's acknowledgement, as the official module's `PubAck`. */
export interface PubAck {
  /** The name of the stream. */
  stream: string;
  /** The JetStream domain, if there is one. */
  domain?: string;
  /** Where the message is in the stream; of a duplicate: where its first copy is. */
  seq: number;
  /** Whether the stream had the message already. */
  duplicate: boolean;
}

/** The acknowledgement of a batch, as the official module's `BatchAck`: `seq` is that of its last message. */
export interface BatchAck extends PubAck {
  batch: string;
  /** How many messages it had. */
  count: number;
}

/** What JetStream answers in place of an acknowledgement. */
export interface ApiErrorData {
  /** In the manner of HTTP. */
  readonly code: number;
  /** Which error it is. */
  readonly err_code: number;
  readonly description: string;
}

/** What an answer says. `flow`: how far a fast batch was stored; `gap`: it lacks messages; `refused`: it refused the one at `seq`. */
export type Answer =
  | { readonly kind: "stored"; readonly ack: PubAck }
  | { readonly kind: "batch"; readonly ack: BatchAck }
  | { readonly kind: "error"; readonly error: ApiErrorData }
  | { readonly kind: "flow"; readonly seq: number; readonly interval: number }
  | { readonly kind: "gap" }
  | { readonly kind: "refused"; readonly seq: number; readonly error: ApiErrorData }
  | { readonly kind: "unknown" };

/**
 * Reads acknowledgements. All of one stream begin with the same bytes: after the first, which is read as JSON, only the digits of the
 * others are looked at.
 *
 *   {"stream":"ORDERS","domain":"hub","seq":17}
 *   {"stream":"ORDERS","seq":17,"duplicate": true}
 */
export class AnswerReader {
  #prefix: Uint8Array = new Uint8Array();
  #known: Pick<PubAck, "stream" | "domain"> = { stream: "" };

  /** The acknowledgement, if these bytes are one like those before; null for anything else, which `read()` reads. */
  quick(data: Uint8Array): PubAck | null {
    const prefix = this.#prefix;
    const length = prefix.length;
    if (length === 0 || data.length < length + 2) return null;
    for (let i = 0; i < length; i++) if (data[i] !== prefix[i]) return null;
    let seq = 0;
    let at = length;
    for (; at < data.length; at++) {
      const digit = (data[at] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) break;
      seq = seq * 10 + digit;
    }
    if (at !== data.length - 1 || at === length || data[at] !== CLOSE || seq > Number.MAX_SAFE_INTEGER) return null;
    const { stream, domain } = this.#known;
    return domain === undefined ? { stream, seq, duplicate: false } : { stream, domain, seq, duplicate: false };
  }

  /** Any answer. */
  read(data: Uint8Array): Answer {
    const text = new TextDecoder().decode(data);
    const answer = understand(parsed(text));
    if (answer.kind === "stored") this.#learn(text, answer.ack);
    return answer;
  }

  #learn(text: string, { stream, domain }: PubAck): void {
    const end = text.indexOf(SEQ);
    if (!text.startsWith('{"stream":') || end < 0) return;
    this.#prefix = new TextEncoder().encode(text.slice(0, end + SEQ.length));
    this.#known = domain === undefined ? { stream } : { stream, domain };
  }
}

/** Whatever JSON it is; undefined if it is none. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function understand(value: unknown): Answer {
  if (typeof value !== "object" || value === null) return UNKNOWN;
  const fields = value as Readonly<Record<string, unknown>>;
  const error = errorOf(fields.error);
  const seq = typeof fields.seq === "number" ? fields.seq : 0;
  if (fields.type === "ack") return { kind: "flow", seq, interval: typeof fields.msgs === "number" ? fields.msgs : 0 };
  if (fields.type === "gap") return { kind: "gap" };
  if (error !== undefined) return fields.type === "err" ? { kind: "refused", seq, error } : { kind: "error", error };
  if (typeof fields.stream !== "string" || fields.stream === "") return UNKNOWN;
  const ack: PubAck = { stream: fields.stream, seq, duplicate: fields.duplicate === true };
  if (typeof fields.domain === "string" && fields.domain !== "") ack.domain = fields.domain;
  if (typeof fields.batch !== "string") return { kind: "stored", ack };
  return { kind: "batch", ack: { ...ack, batch: fields.batch, count: typeof fields.count === "number" ? fields.count : 0 } };
}

function errorOf(value: unknown): ApiErrorData | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { code, err_code, description } = value as Readonly<Record<string, unknown>>;
  return {
    code: typeof code === "number" ? code : 0,
    err_code: typeof err_code === "number" ? err_code : 0,
    description: typeof description === "string" ? description : "",
  };
}

const UNKNOWN: Answer = { kind: "unknown" };
const SEQ = '"seq":';
const ZERO = 48;
const CLOSE = 125;

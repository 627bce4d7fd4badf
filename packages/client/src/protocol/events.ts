/**
 * One MSG or HMSG as the parser found it. The parser reuses a single object of this type, and the transport the memory of `bytes`: read or
 * copy what you need before `message()` returns. The offsets point into `bytes`, and the whole frame is contiguous:
 *
 * ```
 *   MSG <subject> <sid> [reply] <total>\r\n<payload>\r\n
 *   HMSG <subject> <sid> [reply] <header bytes> <total>\r\n<headers><payload>\r\n
 * ```
 */
export interface RawMessage {
  sid: number;
  bytes: Uint8Array;
  /** Over `bytes`; undefined where it would not be worth the making. */
  view: DataView | undefined;
  /** `bytes` holds nothing but this frame, and nobody else has it: it may be kept, and never changes. */
  isOwn: boolean;
  /**
   * The text of the subject, once somebody has made it: stays while the next messages have the same. Undefined otherwise; whoever makes
   * the text may leave it here.
   */
  subject: string | undefined;
  subjectStart: number;
  subjectEnd: number;
  /** Equal to `replyEnd` when there is no reply subject. */
  replyStart: number;
  replyEnd: number;
  /** Headers are `[headersStart, payloadStart)`; empty for MSG. */
  headersStart: number;
  payloadStart: number;
  payloadEnd: number;
}

/** What arrives from the server, in order. */
export interface ServerEvents {
  /** The JSON text of an INFO, not yet parsed. */
  info(json: string): void;
  message(message: RawMessage): void;
  ping(): void;
  pong(): void;
  ok(): void;
  /** The text of an `-ERR`, without its quotes. */
  error(text: string): void;
}

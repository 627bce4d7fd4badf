import { InvalidArgumentError } from "@nats-io/nats-core";
import { frameHasHeaders, framePayloadSize } from "../protocol/frame.ts";
import { Cursor, type Place, still } from "./cursor.ts";
import type { Endings } from "./endings.ts";
import type { Log } from "./log.ts";

/** Bytes of a control line that count for the server's `max_control_line`: it leaves out the verb and the CRLF. */
const PUB_VERB = "PUB ".length;
const HPUB_VERB = "HPUB ".length;
const TWO_LINE_ENDS = 4;

/** What the server can take: the limits its last INFO announced, and the control line it would not say. */
export class Screen {
  readonly #log: Log;
  readonly #endings: Endings;
  readonly #maxControlLine: number;
  #maxPayload = Infinity;
  #headers = true;
  /** A frame up to this length respects both limits, whatever is in it. */
  #harmlessBytes: number;

  constructor(log: Log, endings: Endings, maxControlLine: number) {
    this.#log = log;
    this.#endings = endings;
    this.#maxControlLine = maxControlLine;
    this.#harmlessBytes = maxControlLine;
  }

  /** An INFO arrived. Frames that were accepted under other limits are looked at again before they are sent. */
  announced(maxPayload: number, headers: boolean): void {
    if (maxPayload === this.#maxPayload && headers === this.#headers) return;
    this.#maxPayload = maxPayload;
    this.#headers = headers;
    this.#harmlessBytes = Math.min(maxPayload, this.#maxControlLine);
    this.#log.limits++;
  }

  /** Refuses what can be refused before any memory is taken for the frame. */
  refuseHuge(bytes: number): void {
    if (bytes > this.#maxPayload) throw payloadError(bytes, this.#maxPayload);
  }

  /** Refuses the frame encoded at `[at, end)`, with `content` bytes of headers and payload, if the server would not take it. */
  check(memory: Uint8Array, at: number, end: number, headers: boolean, content: number): void {
    if (end - at > this.#harmlessBytes || (headers && !this.#headers)) this.#examine(memory, at, end - at, headers, content);
  }

  /** Why a message beside the log cannot be sent to this server. */
  objection(frame: Uint8Array): Error | undefined {
    return this.#objection(frame, 0, frame.length, frameHasHeaders(frame, 0));
  }

  /** Whether every frame of the slab at `from` that lies behind it can be sent. */
  isDone(from: Place): boolean {
    const { slab } = from;
    return slab.screened === this.#log.limits && (slab.isIntact || from.position === slab.end);
  }

  /** Ends the frames of the slab at `from`, from there on, that cannot be sent to this server. O(1) where the summary answers. */
  slab(from: Place): void {
    if (this.isDone(from)) return;
    const { slab } = from;
    slab.screened = this.#log.limits;
    if (!slab.isIntact && from.position < slab.end) {
      const frame = still(from);
      this.#endings.held(frame, this.#log.afterFrame(frame), "undeliverable", takenAway());
      return;
    }
    if (slab.largestFrame <= this.#maxPayload && (this.#headers || !slab.headers)) return;
    const to = { slab, position: slab.end, index: slab.lastIndex };
    for (const run of [...this.#log.liveRuns(from, to)]) this.#walk(run.from, run.to);
  }

  #examine(memory: Uint8Array, at: number, bytes: number, headers: boolean, content: number): void {
    const error = this.#objection(memory, at, bytes, headers);
    if (error !== undefined) throw error;
    const line = bytes - content - TWO_LINE_ENDS - (headers ? HPUB_VERB : PUB_VERB);
    if (line <= this.#maxControlLine) return;
    throw InvalidArgumentError.format(
      "subject",
      `with its reply makes a control line of ${line} bytes, 'maxControlLine' is ${this.#maxControlLine}`,
    );
  }

  #walk(from: Place, to: Place): void {
    const at = new Cursor(from);
    while (at.position < to.position) {
      const frame = { slab: at.slab, position: at.position, index: at.index };
      const end = this.#log.afterFrame(frame);
      const { memory, start } = frame.slab;
      const offset = frame.position - start;
      const error = this.#objection(memory, offset, end.position - frame.position, frameHasHeaders(memory, offset));
      if (error !== undefined) this.#endings.held(frame, end, "undeliverable", error);
      if (end.position === to.position) return;
      at.moveTo(end);
    }
  }

  #objection(memory: Uint8Array, at: number, frameBytes: number, headers: boolean): Error | undefined {
    if (headers && !this.#headers) return InvalidArgumentError.format("headers", "are not available on this server");
    if (frameBytes <= this.#maxPayload) return undefined;
    const bytes = framePayloadSize(memory, at);
    return bytes > this.#maxPayload ? payloadError(bytes, this.#maxPayload) : undefined;
  }
}

/** Under a length that was announced before, whatever else would go out would be read as its payload. */
function takenAway(): Error {
  return InvalidArgumentError.format(
    "payload",
    "was detached or resized before it was sent, although published with 'copy: false'",
  );
}

/** The message is nats-core's own, which users compare; the figures stand in its cause. `bytes` may be short of UTF-8's true length. */
function payloadError(bytes: number, maxPayload: number): Error {
  const cause = new RangeError(`at least ${bytes} bytes of headers and payload, the server takes ${maxPayload}`);
  return InvalidArgumentError.format("payload", "max_payload size exceeded", { cause });
}

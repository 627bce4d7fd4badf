import type { Bug } from "./bug.ts";

const outbound = "packages/client/src/outbound";

/** The bugs that the issue names. */
const named: readonly Bug[] = [
  {
    name: "trust the write callback after destroy",
    file: "packages/client/src/transport/socket-link.ts",
    find: "if (this.#outstanding !== outstanding || error || this.#socket.destroyed || this.#raw.destroyed) return;",
    replace: "if (this.#outstanding !== outstanding || error) return;",
    caughtBy: "packages/client/test/transport/tcp.test.ts",
  },
  {
    name: "confirmed = callback",
    file: `${outbound}/carrier.ts`,
    find: "    this.#parts.writer.taken();\n",
    replace: `    this.#parts.writer.taken();
    const { log, tally } = this.#parts;
    const gone = log.removed.between(log.confirmed.position, log.written.position).frames;
    tally.confirmed += log.written.index - log.confirmed.index - gone;
    log.confirmTo(log.written);
`,
    caughtBy: "model",
  },
  {
    name: "a rewound frame ends as expired",
    file: `${outbound}/endings.ts`,
    find: 'if (to.position <= sent.position) return this.removed(from, to, "inDoubt", error);',
    replace: "if (to.position <= sent.position) return this.removed(from, to, state, error);",
    caughtBy: "model",
  },
  {
    name: "UNSUB overtakes the log",
    file: `${outbound}/outbound.ts`,
    find: "this.#parts.items.addControl(this.#parts.log.tail(), line);",
    replace:
      "const { position, index } = line[0] === 85 ? this.#parts.log.written : this.#parts.log.tail();\n    this.#parts.items.addControl({ position, index }, line);",
    caughtBy: "model",
  },
  {
    name: "log sent on the first PONG",
    file: "packages/client/src/session/handshake.ts",
    find: "      this.#writer.send(join(this.#context.host.resubscribe(), PING));\n",
    replace:
      '      this.#writer.send(join(this.#context.host.resubscribe(), PING));\n      this.#phase = { kind: "settling" };\n      this.#settle();\n',
    caughtBy: "model",
  },
  {
    name: "one -ERR skipped",
    file: `${outbound}/refusals.ts`,
    find: "    else known.count++;\n",
    replace: "    else if (known.count > 1) known.count++;\n",
    caughtBy: "model",
  },
  {
    name: "stall clock reset by handing over",
    file: `${outbound}/turn.ts`,
    find: "    this.#writer.pump(now);\n",
    replace: "    this.#writer.pump(now);\n    this.#stall.taken();\n",
    caughtBy: "model",
  },
  {
    name: "eviction of a frame in flight",
    file: `${outbound}/admission.ts`,
    find: "    const from = new Cursor(log.sent);\n    const to = new Cursor(log.sent);\n",
    replace: "    const from = new Cursor(log.confirmed);\n    const to = new Cursor(log.confirmed);\n",
    caughtBy: "model",
  },
  {
    name: "a frame resumed in the middle",
    file: `${outbound}/writer.ts`,
    find: "    this.#outstanding = undefined;\n    this.#long = undefined;\n",
    replace: "    this.#outstanding = undefined;\n",
    caughtBy: "model",
  },
  {
    name: "a resent request",
    file: `${outbound}/intake.ts`,
    find: 'const delivery = "at-most-once";',
    replace: "const delivery = undefined;",
    caughtBy: "model",
  },
];

/** More of the same kind. */
const further: readonly Bug[] = [
  {
    name: "what is put back counts as never sent, though an earlier connection had it",
    file: `${outbound}/put-back.ts`,
    find: "if (frame.position >= last.sent) log.sent.moveTo(frame);",
    replace: "if (frame.position >= 0) log.sent.moveTo(frame);",
    caughtBy: "model",
  },
  {
    name: "the culprit is taken for one of two",
    file: `${outbound}/poison.ts`,
    find: "const alone = this.#until !== undefined && messages === 1;",
    replace: "const alone = this.#until !== undefined && messages <= 2;",
    caughtBy: "model",
  },
  {
    name: "purge takes frames in flight",
    file: `${outbound}/withdrawal.ts`,
    find: 'if (buffered > 0) endings.removed(log.sent, log.tail(), "abandoned");',
    replace: 'if (buffered > 0) endings.removed(log.confirmed, log.tail(), "abandoned");',
    caughtBy: "model",
  },
  {
    name: "a PONG confirms what went behind its PING",
    file: `${outbound}/fences.ts`,
    find: "    return fence;\n",
    replace: "    return fence === undefined ? undefined : { ...fence, place: still(this.#log.written) };\n",
    caughtBy: "model",
  },
  {
    name: "refusals without a PONG count on the next connection",
    file: `${outbound}/carrier.ts`,
    find: "    refusals.clear();\n",
    replace: "",
    caughtBy: "model",
  },
  {
    name: "what belongs to a connection waits for the next",
    file: `${outbound}/connection-end.ts`,
    find: "if (mark.bound || mark.cancelled) this.#end(mark);",
    replace: "if (mark.cancelled) this.#end(mark);",
    caughtBy: "model",
  },
  {
    name: "stallTimeout 0 ends connections",
    file: `${outbound}/stall.ts`,
    find: "if (this.#timeout > 0 && this.#clock >= this.#limit)",
    replace: "if (this.#clock >= this.#limit)",
    caughtBy: "model",
  },
  {
    name: "a planned move does not wait for the PONG",
    file: `${outbound}/carrier.ts`,
    find: "if (done === undefined || writer.busy || windowedBytes(log, items) > 0) return false;",
    replace: "if (done === undefined || writer.busy || windowedBytes(log, items) < 0) return false;",
    caughtBy: "model",
  },
  {
    name: "the last item is put back although the kernel may have it",
    file: `${outbound}/writer.ts`,
    find: 'if (cut !== undefined && (this.#sink?.unfinished === "last-item" || this.#long !== undefined)) this.#putBack.run(cut);',
    replace: "if (cut !== undefined) this.#putBack.run(cut);",
    caughtBy: "model",
  },
  {
    name: "the last item is never put back",
    file: `${outbound}/writer.ts`,
    find: 'if (cut !== undefined && (this.#sink?.unfinished === "last-item" || this.#long !== undefined)) this.#putBack.run(cut);',
    replace: "if (cut !== undefined && this.#long !== undefined) this.#putBack.run(cut);",
    caughtBy: "model",
  },
  {
    name: "the poison rule's window is forgotten",
    file: `${outbound}/carrier.ts`,
    find: "poison.start);",
    replace: "undefined);",
    caughtBy: "model",
  },
  {
    name: "limits announced while a frame was in flight are not held against it when it is sent again",
    file: `${outbound}/log.ts`,
    find: "    this.limits++;\n",
    replace: "",
    caughtBy: "packages/client/test/outbound/connection-end.test.ts",
  },
  {
    name: "a fatal -ERR with nothing in flight forgets what was in flight at the one before",
    file: `${outbound}/poison.ts`,
    find: "if (messages > 0 || this.#until === undefined) this.#until =",
    replace: "this.#until =",
    caughtBy: "model",
  },
  {
    name: "no reserve",
    file: `${outbound}/admission.ts`,
    find: 'if (kind !== "plain" && this.#limits.exceededWithReserve',
    replace: 'if (kind === "plain" && this.#limits.exceededWithReserve',
    caughtBy: "model",
  },
  {
    name: "a message's own level is ignored",
    file: `${outbound}/connection-end.ts`,
    find: 'const again = (mark.delivery ?? byDefault) === "at-least-once";',
    replace: 'const again = byDefault === "at-least-once";',
    caughtBy: "model",
  },
  {
    name: "a flush is asked for before everything called before it has gone",
    file: `${outbound}/fences.ts`,
    find: "return next === undefined || next.spot.position > written ? written : next.spot.position - 1;",
    replace: "return next === undefined || next.spot.position > written ? this.#log.end : next.spot.position - 1;",
    caughtBy: "model",
  },
  {
    name: "inbound bytes are life for ever",
    file: `${outbound}/stall.ts`,
    find: "return this.#sincePong < DEAF_AFTER *",
    replace: "return this.#sincePong < 1000 * DEAF_AFTER *",
    caughtBy: "model",
  },
];

export const bugs: readonly Bug[] = [...named, ...further];

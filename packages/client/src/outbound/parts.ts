import type { Amount } from "../errors.ts";
import type { OutboundOptions } from "../options.ts";
import type { Runtime } from "../runtime.ts";
import { Admission } from "./admission.ts";
import { Ages } from "./ages.ts";
import { Backlog } from "./backlog.ts";
import { Backpressure } from "./backpressure.ts";
import { Confirmation } from "./confirmation.ts";
import { ConnectionEnd } from "./connection-end.ts";
import { Tally } from "./counts.ts";
import { Endings } from "./endings.ts";
import { Expiry } from "./expiry.ts";
import { Fences } from "./fences.ts";
import { Flushes } from "./flushes.ts";
import { Handback, type OutboundHandlers } from "./handback.ts";
import { IdleShrink } from "./idle-shrink.ts";
import { Intake } from "./intake.ts";
import { Items } from "./items.ts";
import { Leftovers } from "./leftovers.ts";
import { Limits } from "./limits.ts";
import { Log } from "./log.ts";
import { Marks } from "./marks.ts";
import { Poison } from "./poison.ts";
import { Refusals } from "./refusals.ts";
import { Screen } from "./screen.ts";
import { Stall, type StallView } from "./stall.ts";
import { Turn } from "./turn.ts";
import { Window } from "./window.ts";
import { Writer } from "./writer.ts";

/** What the heart is made of, put together in the order in which one part needs another. */
export interface OutboundParts {
  readonly limits: Limits;
  readonly log: Log;
  readonly items: Items;
  readonly marks: Marks;
  readonly ages: Ages;
  readonly tally: Tally;
  readonly window: Window;
  readonly flushes: Flushes;
  readonly handback: Handback;
  readonly leftovers: Leftovers;
  readonly backpressure: Backpressure;
  readonly endings: Endings;
  readonly admission: Admission;
  readonly screen: Screen;
  readonly fences: Fences;
  readonly writer: Writer;
  readonly stall: Stall;
  readonly expiry: Expiry;
  readonly refusals: Refusals;
  readonly poison: Poison;
  readonly turn: Turn;
  readonly backlog: Backlog;
  readonly intake: Intake;
  readonly confirmation: Confirmation;
  readonly connectionEnd: ConnectionEnd;
  readonly idle: IdleShrink;
  /** Forgets what is known of frames that have ended and were handed back. */
  readonly release: () => void;
}

export function assemble(options: OutboundOptions, runtime: Runtime, handlers: OutboundHandlers): OutboundParts {
  const usable = (): boolean => writer.attached && !stall.slow;
  const eased = (): void => {
    backpressure.eased(usable());
    backlog.check();
  };
  const wake = (): void => {
    turn.pump();
  };
  const { event } = handlers;

  const limits = new Limits(options);
  const log = new Log(options.maxInFlight);
  const items = new Items();
  const marks = new Marks();
  const ages = new Ages();
  const tally = new Tally();
  const window = new Window(options.maxInFlight);
  const flushes = new Flushes(runtime);
  const handback = new Handback(handlers, runtime, log, ages);
  const leftovers = new Leftovers(log, ages, runtime);
  const held = (): Amount => admission.held;
  const backpressure = new Backpressure(limits, held, event, runtime);
  const endings = new Endings({ log, marks, tally, flushes, handback, eased });
  const admission = new Admission(options.reconnectBuffer.whenFull, { limits, log, items, endings, backpressure });
  const screen = new Screen(log, endings, options.maxControlLine);
  const fences = new Fences({ log, items, flushes, window }, runtime, options.fenceDelay, wake);
  const writer = new Writer({ log, items, fences, window, screen, endings, tally }, runtime);
  const waits = new Waits(fences, writer);
  const stalled = (ms: number): void => {
    event({ type: "stalled", ms });
    handlers.stalled(ms);
  };
  const stall = new Stall(options.stallTimeout, runtime, waits, stalled, eased);
  const expiry = new Expiry(options.reconnectBuffer.maxAge, runtime, { log, ages, marks, endings });
  const refusals = new Refusals({ log, items, marks, endings });
  const poison = new Poison({ log, items, fences });
  const turn = new Turn({ log, ages, expiry, writer, stall }, runtime);
  const backlog = new Backlog(options.backlogDelay, runtime, { log, items, writer }, event, wake);
  const taking = { log, items, marks, screen, admission, endings, tally, fences, expiry, backpressure, writer, turn, usable };
  const intake = new Intake(options.delivery, taking, runtime);
  const confirming = { log, items, marks, tally, fences, window, writer, refusals, poison, stall };
  const confirmation = new Confirmation(confirming, runtime);
  const ending = { log, items, marks, endings, expiry, poison, writer };
  const connectionEnd = new ConnectionEnd(options.delivery, ending, runtime);
  const idle = new IdleShrink(log, writer, runtime);
  const release = (): void => {
    const { position } = log.confirmed;
    marks.release(position);
    ages.release(Math.min(position, handback.oldest, leftovers.oldest));
  };
  return {
    limits,
    log,
    items,
    marks,
    ages,
    tally,
    window,
    flushes,
    handback,
    leftovers,
    backpressure,
    endings,
    admission,
    screen,
    fences,
    writer,
    stall,
    expiry,
    refusals,
    poison,
    turn,
    backlog,
    intake,
    confirmation,
    connectionEnd,
    idle,
    release,
  };
}

/** What the stall clock looks at. */
class Waits implements StallView {
  readonly #fences: Fences;
  readonly #writer: Writer;

  constructor(fences: Fences, writer: Writer) {
    this.#fences = fences;
    this.#writer = writer;
  }

  get waiting(): boolean {
    return this.#fences.outstanding > 0 || this.#writer.waits;
  }

  get ahead(): number {
    return this.#fences.ahead;
  }
}

import { ClosedConnectionError, RequestError } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../../src/client/connection.ts";
import { isForbidden } from "./schedule-ledger.ts";
import { contentOf, type Wanted } from "./schedule-messages.ts";
import { Outcome } from "./schedule-outcome.ts";
import type { Run } from "./schedule-run.ts";
import { nothingOwn, type Own, type Step } from "./schedule-steps.ts";

/** A promise of the client's that must have settled in the end. */
interface Promised {
  readonly what: string;
  readonly outcome: Outcome<unknown>;
  /** What it may reject with. */
  readonly mayReject: (error: unknown) => boolean;
}

/** The steps of a schedule, done to the client and to its server. */
export class Actions {
  readonly promises: Promised[] = [];
  readonly #run: Run;
  readonly #nc: HoldfastConnection;

  constructor(run: Run, nc: HoldfastConnection) {
    this.#run = run;
    this.#nc = nc;
  }

  /** Does one step; what it causes happens when the clock moves. */
  do(step: Step): void {
    const run = this.#run;
    const nc = this.#nc;
    const { server, subscriptions, requests, clock } = run;
    const { current } = server;
    switch (step.do) {
      case "publish":
        return this.#publish(step);
      case "burst":
        for (let i = 0; i < step.count; i++) this.#publish({ size: (step.size * (i + 7)) % 1500 });
        return;
      case "mixture":
        for (const each of mixture(step)) this.do(each);
        return;
      case "request": {
        const id = run.next();
        const content = contentOf({ id, size: step.size, cls: step.batch ? "batch" : "plain" });
        return requests.ask(nc, step, { ...content, reply: null }, run.next(), run.on);
      }
      case "subscribe":
        return subscriptions.subscribe(nc, step);
      case "unsubscribe":
        return subscriptions.unsubscribe(step.which, step.max);
      case "drainSubscription":
        return subscriptions.drain(step.which);
      case "deliver":
        if (current !== undefined) subscriptions.deliver(current, step);
        return;
      case "reply":
        if (current !== undefined) requests.answerDue(current);
        return;
      case "flush":
        return run.flushes.flush(nc, run.next(), step.how);
      case "rtt":
        return this.#promise(
          "rtt()",
          nc.rtt(),
          (error) => error instanceof RequestError || error instanceof ClosedConnectionError,
        );
      case "serverPing":
        return current?.ping();
      case "writable":
        return run.pressure.writable(nc);
      case "purge":
        return this.#purge();
      case "lameDuck":
        run.moves.asked();
        return current?.lameDuck();
      case "reconnect":
        run.moves.asked();
        return this.#promise("reconnect()", nc.reconnect(), isForbidden);
      case "close":
        return this.close();
      case "drain":
        return this.drain();
      case "read": {
        const earlier = server.connections.find((connection) => connection !== current && connection.peer.waiting > 0);
        (step.earlier ? earlier : current)?.read(step.bytes);
        return;
      }
      case "mode":
        return current?.mode(step.reading, step.pongs);
      case "pong":
        return current?.pong(step.count);
      case "info":
        run.announced.push(step.info);
        if (step.stays) server.announce(step.info);
        return current?.inform(step.info);
      case "complain":
        if (current === undefined || !current.isOpen) return;
        if (step.about === "request") return requests.complain(current);
        current.send(step.about === "frame" ? "-ERR 'Parser Error'\r\n" : "-ERR 'Stale Connection'\r\n");
        return current.cut("fin");
      case "cut":
        return current?.cut(step.how);
      case "cutAt":
        if (current?.isOpen === true) current.cutAt(step.bytes, step.how);
        return;
      case "advance":
      case "pulse":
        return;
      case "block":
        run.moves.blocked += step.ms;
        return clock.block(step.ms);
    }
  }

  #publish(wanted: Omit<Wanted, "id"> & { readonly confirm?: boolean }): void {
    const run = this.#run;
    const content = contentOf({ ...wanted, id: run.next() });
    const { subject, reply, headers, payload, own } = content;
    const options = {
      ...(reply === "" || reply === null ? {} : { reply }),
      ...(headers === undefined ? {} : { headers }),
      ...(own.delivery === undefined ? {} : { delivery: own.delivery }),
      ...(own.maxAge === undefined ? {} : { maxAge: own.maxAge }),
      ...(own.msgId ? { msgId: "auto" as const } : {}),
      ...(content.id % 2 === 0 ? { copy: false } : {}),
    };
    if (wanted.confirm !== true) run.offer(content, (nc) => nc.publish(subject, payload, options));
    else run.confirms.publish(this.#nc, content, options, (call) => run.offer(content, call));
  }

  #purge(): void {
    const run = this.#run;
    const before = this.#nc.outbound.counts();
    for (const entry of run.ledger.fates.live) if (!entry.whole && entry.fate === "buffered") entry.purged = true;
    const purged = this.#nc.outbound.purge();
    const after = this.#nc.outbound.counts();
    const isRight = purged === before.buffered && after.abandoned === before.abandoned + purged && after.buffered === 0;
    if (!isRight || after.inFlight !== before.inFlight)
      run.problems.push(`purge() returned ${purged}: ${JSON.stringify(before)}, then ${JSON.stringify(after)}`);
  }

  close(): void {
    this.#run.subscriptions.endAll();
    this.#promise("close()", this.#nc.close(), () => false);
  }

  drain(timeout = 300): void {
    const isFirst = !this.#nc.isClosed() && !this.#nc.isDraining();
    if (isFirst) this.#run.subscriptions.endAll();
    this.#promise("drain()", this.#nc.drain({ timeout }), (error) => !isFirst && isForbidden(error));
  }

  #promise(what: string, promise: Promise<unknown>, mayReject: (error: unknown) => boolean): void {
    this.promises.push({ what, outcome: new Outcome(promise), mayReject });
  }
}

/** The steps that a mixture stands for; every third one is of requests only. */
function* mixture({ count, salt }: Extract<Step, { do: "mixture" }>): IterableIterator<Step> {
  for (let i = 0; i < count; i++) {
    const drawn = (salt * 31 + i * i * 17 + i * 7) % 97;
    const size = drawn % 13 === 0 ? 20_000 : (drawn * 29) % 2500;
    const timeout = drawn % 3 === 0 ? 1 + drawn : 3000;
    if (drawn % 8 === 5) yield { do: "subscribe", max: 0, queue: false, iterate: false, timeout: 0 };
    else if (drawn % 16 === 6) yield { do: "unsubscribe", which: drawn, max: 0 };
    else if (drawn % 9 === 0) yield { do: "flush", how: "plain" };
    else if (drawn % 4 === 0 || salt % 3 === 0) yield { do: "request", size, timeout, how: "mux", batch: false, answer: "never" };
    else
      yield {
        do: "publish",
        size,
        text: drawn % 2 === 0,
        headers: drawn % 5 === 0,
        reply: false,
        cls: drawn % 11 === 0 ? "next" : "plain",
        own: drawn % 10 === 1 ? OTHER_LEVEL : nothingOwn,
        confirm: drawn % 7 === 0,
      };
  }
}

const OTHER_LEVEL: Own = { ...nothingOwn, delivery: "at-least-once" };

import { type Msg, NoRespondersError, PermissionViolationError, RequestError, TimeoutError } from "@nats-io/nats-core";
import type { HoldfastConnection } from "../../src/client/connection.ts";
import { ReconnectBufferFullError } from "../../src/errors.ts";
import type { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { refusalIsRight } from "./schedule-admission.ts";
import type { ServerConnection } from "./schedule-connection.ts";
import type { Entry } from "./schedule-entry.ts";
import { isForbidden, isRefusal, type Ledger, type Outcome } from "./schedule-ledger.ts";
import type { Content } from "./schedule-messages.ts";
import type { Answer, Step } from "./schedule-steps.ts";

type RequestStep = Extract<Step, { do: "request" }>;

/** One request and how its promise ended. */
interface Asked {
  readonly id: number;
  readonly step: RequestStep;
  readonly deadline: number;
  outcome: Outcome;
  /** Where and how the server answered. */
  answered: { readonly connection: ServerConnection; readonly how: Answer } | undefined;
  reply: string;
  settled: boolean;
}

/** All requests: what the server answers, and whether each promise ends as it should, and in time. */
export class Requests {
  readonly #ledger: Ledger;
  readonly #clock: VirtualClock;
  readonly #fail: (what: string) => void;
  readonly #whereNow: () => { connection: number; byte: number };
  /** `failRequestsOnDisconnect`, and whether what ends is handed back. */
  readonly #rules: { readonly failsSent: boolean; readonly listens: boolean };
  readonly #asked = new Map<number, Asked>();
  /** Read, to be answered by a step. */
  #due: Asked[] = [];
  /** Failed because their connection ended, which is still to be judged. */
  #disconnected: Asked[] = [];

  /** `whereNow`: up to which byte of which connection the client has handed things over. */
  constructor(
    ledger: Ledger,
    clock: VirtualClock,
    whereNow: () => { connection: number; byte: number },
    rules: { readonly failsSent: boolean; readonly listens: boolean },
    fail: (what: string) => void,
  ) {
    this.#rules = rules;
    this.#ledger = ledger;
    this.#clock = clock;
    this.#whereNow = whereNow;
    this.#fail = fail;
  }

  get pending(): number {
    return [...this.#asked.values()].filter((asked) => !asked.settled).length;
  }

  ask(nc: HoldfastConnection, step: RequestStep, content: Content, seq: number, on: ServerConnection | undefined): void {
    const now = this.#clock.now();
    const asked: Asked = {
      id: content.id,
      step,
      deadline: now + step.timeout,
      outcome: "forbidden",
      answered: undefined,
      reply: "",
      settled: false,
    };
    this.#asked.set(asked.id, asked);
    let promise: Promise<Msg[]> = Promise.resolve([]);
    asked.outcome = this.#ledger.offer(nc, { content, seq, isRequest: true, on, now }, () => {
      promise = started(nc, step, content);
      return undefined;
    });
    promise.then(
      (answers) => this.#settled(asked, answers, undefined),
      (error: unknown) => this.#settled(asked, [], error),
    );
  }

  /** The server has read a request. */
  read(entry: Entry, reply: string, connection: ServerConnection): void {
    const asked = this.#asked.get(entry.content.id);
    if (asked === undefined) return;
    asked.reply = reply;
    if (connection.sids.forSubject(reply) === undefined && !asked.settled)
      this.#fail(`request ${asked.id} was read before its inbox was subscribed to`);
    if (asked.step.answer === "later") this.#due.push(asked);
    else this.#answer(asked, connection);
  }

  /** Answers what waits for it, on the connection of now. */
  answerDue(connection: ServerConnection): void {
    const due = this.#due;
    this.#due = [];
    for (const asked of due) this.#answer(asked, connection);
  }

  /** A permission violation for the subject of a request that waits. */
  complain(connection: ServerConnection): void {
    const asked = [...this.#asked.values()].find((each) => !each.settled && each.outcome === "accepted");
    const subject = asked === undefined ? undefined : this.#ledger.entries.get(asked.id)?.content.subject;
    if (subject !== undefined) connection.send(`-ERR 'Permissions Violation for Publish to "${subject}"'\r\n`);
  }

  /** When nothing is due: every deadline that has passed has settled its request, and every answer that arrived has. */
  check(attached: ServerConnection | undefined): void {
    for (const asked of this.#disconnected) {
      if (!this.#mayBeOver(asked)) this.#fail(`request ${asked.id} failed with its connection, and still waits to be sent`);
    }
    this.#disconnected = [];
    for (const asked of this.#asked.values()) {
      if (asked.settled) continue;
      if (this.#clock.now() >= asked.deadline) this.#fail(`request ${asked.id} is not settled at its deadline`);
      if (asked.outcome !== "accepted") this.#fail(`request ${asked.id} was ${asked.outcome} and is not settled`);
      const { answered, step } = asked;
      const ends = step.how !== "many" || answered?.how === "noResponders";
      if (answered !== undefined && answered.connection === attached && ends)
        this.#fail(`request ${asked.id} was answered and is not settled`);
      if (this.#rules.failsSent && this.#isLost(asked))
        this.#fail(`request ${asked.id} went with its connection, and is not settled`);
    }
  }

  /** It was handed over to a connection that has ended, so that no answer will come. */
  #isLost({ id }: Asked): boolean {
    const entry = this.#ledger.entries.get(id);
    return entry !== undefined && entry.handedOn?.left !== undefined && entry.fate !== "buffered";
  }

  /** No answer will come: it went with its connection, or it has ended. */
  #mayBeOver(asked: Asked): boolean {
    const entry = this.#ledger.entries.get(asked.id);
    if (entry === undefined || this.#isLost(asked)) return true;
    return entry.content.bound || entry.suspect || entry.state !== undefined || !this.#rules.listens;
  }

  #answer(asked: Asked, connection: ServerConnection): void {
    const { answer } = asked.step;
    const sid = connection.sids.forSubject(asked.reply);
    if (sid === undefined || answer === "never") return;
    const none = answer === "noResponders" ? "NATS/1.0 503\r\n\r\n" : "";
    const text = none === "" ? `answer ${asked.id}` : "";
    const sent = connection.deliver(sid, asked.reply, "", text, none);
    if (sent) asked.answered = { connection, how: answer };
    if (sent && answer === "twice") connection.deliver(sid, asked.reply, "", text);
  }

  #settled(asked: Asked, answers: readonly Msg[], error: unknown): void {
    const { id, step, outcome } = asked;
    asked.settled = true;
    const wrong = this.#judge(asked, answers, error);
    if (wrong !== null) this.#fail(`request ${id} (${outcome}, ${step.how}, ${step.answer}): ${wrong}`);
    const entry = this.#ledger.entries.get(id);
    const timedOut = error instanceof TimeoutError || (step.how === "many" && error === undefined);
    // A message of a batch stays in its place: without it the batch would have a hole.
    if (timedOut && entry?.content.bound === false) entry.over = this.#whereNow();
  }

  #judge(asked: Asked, answers: readonly Msg[], error: unknown): string | null {
    const { outcome, answered, step, id } = asked;
    const now = this.#clock.now();
    if (outcome === "forbidden") return isForbidden(error) ? null : `ended with ${error}`;
    if (outcome === "refused") {
      if (!isRefusal(error)) return `ended with ${error}`;
      return error instanceof ReconnectBufferFullError && !refusalIsRight(error)
        ? `was refused below the limit: ${error.message}`
        : null;
    }
    const isRight = answers.every((msg) => msg.string() === `answer ${id}`);
    if (!isRight) return "got somebody else's answer";
    if (error === undefined) {
      if (step.how === "many")
        return now >= asked.deadline && answers.length <= 2 ? null : `ended at ${now} with ${answers.length} answers`;
      return answered !== undefined && answers.length === 1 ? null : "was not answered";
    }
    if (error instanceof TimeoutError) return now >= asked.deadline ? null : `timed out at ${now}, before ${asked.deadline}`;
    const cause = error instanceof RequestError ? error.cause : error;
    if (cause instanceof NoRespondersError) return answered?.how === "noResponders" ? null : "ended with no responders";
    if (cause instanceof PermissionViolationError) return null;
    if (!(error instanceof RequestError)) return `ended with ${error}`;
    if (error.message === "connection closed") return null;
    if (!this.#rules.failsSent || error.message !== "connection disconnected") return `ended with ${error}`;
    this.#disconnected.push(asked);
    return null;
  }
}

/** The answers; rejects with what went wrong. */
async function started(nc: HoldfastConnection, step: RequestStep, content: Content): Promise<Msg[]> {
  const options = { timeout: step.timeout, ...(content.headers === undefined ? {} : { headers: content.headers }) };
  if (step.how !== "many") return [await nc.request(content.subject, content.payload, { ...options, noMux: step.how === "own" })];
  const answers: Msg[] = [];
  const many = nc.requestMany(content.subject, content.payload, { ...options, maxWait: step.timeout, strategy: "timer" });
  for await (const msg of await many) answers.push(msg);
  return answers;
}

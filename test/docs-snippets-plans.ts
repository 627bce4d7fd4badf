/** What a snippet must do beside ending without an error. */
export interface Plan {
  /** What it prints, line by line. */
  readonly prints?: readonly RegExp[];
  /** Instead, where the number of lines is not certain: there is one, and each is like this. */
  readonly printsSome?: RegExp;
  /** The oldest server that has what it shows. */
  readonly needs?: string;
  /** What happens while it runs, again and again until it goes on: `nc.reconnect()`, or this signal. */
  readonly meanwhile?: "reconnect" | "SIGTERM";
}

/** By the page and the number of the block. A snippet without a plan prints nothing. */
export const plans: Readonly<Record<string, Plan>> = {
  "README 1": { prints: [/accepted: 1,[\s\S]*confirmed: 1,/] },
  "STREAMS 2": { needs: "2.12.0" },
  "guide/confirmed 2": { prints: [/^read by the server$/] },
  "guide/confirmed 3": { prints: [/^true$/] },
  "guide/limits 1": { prints: [/^Infinity$/] },
  "guide/shutdown 1": { meanwhile: "SIGTERM", prints: [/^confirmed 1$/] },
  "guide/shutdown 2": { prints: [/^readings: abandoned$/] },
  "guide/logging 1": { meanwhile: "reconnect", printsSome: /^(nats: \w+|backlogStart|backlogEnd)$/ },
  "guide/jetstream 1": { prints: [/^stored at \d+$/] },
  "guide/jetstream 2": { prints: [/^ORDERS$/] },
};

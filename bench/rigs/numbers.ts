import { connect } from "@nats-io/transport-node";
import { numberIn } from "../shared/payloads.ts";
import type { Setup } from "../shared/tasks.ts";

/** What a subscriber must see: numbers that rise by one, or that start again after `pool` messages. */
export interface Expected {
  readonly subject: string;
  readonly messages: number;
  readonly bytes: number;
  /** Strings carry the number of their place in a pool, in hexadecimal digits. */
  readonly stringsOf?: number;
  /** Payloads that are not changed between rounds carry the number of their place in a pool. */
  readonly pool?: number;
}

/**
 * Subscribes with the official client, runs `act`, and rejects unless every message came once, in order, with the number it should have.
 *
 * @param patienceMs how long to wait behind `act` for what has not come
 */
export async function withNumbersChecked(
  { url, ca }: Setup,
  expected: Expected,
  patienceMs: number,
  act: () => Promise<unknown>,
): Promise<void> {
  const { subject, messages, bytes, stringsOf } = expected;
  const pool = stringsOf ?? expected.pool;
  const nc = await connect({ servers: url, ...(ca === undefined ? {} : { tls: { ca } }) });
  let seen = 0;
  let first = -1;
  let wrong = "";
  let arrived = (): void => {};
  const all = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  nc.subscribe(subject, {
    callback: (error, { data }) => {
      const number = stringsOf === undefined ? numberIn(data) : Number.parseInt(Buffer.from(data.subarray(0, 8)).toString(), 16);
      if (seen === 0) first = pool === undefined ? number : 0;
      const wanted = pool === undefined ? first + seen : seen % pool;
      if (error !== null || data.length !== bytes || number !== wanted)
        wrong ||= `message ${seen} has the number ${number}, not ${wanted}`;
      if (++seen === messages) arrived();
    },
  });
  await nc.flush();
  await act();
  const limit = setTimeout(arrived, patienceMs);
  await all;
  clearTimeout(limit);
  // What came twice comes behind the last one.
  await nc.flush();
  await nc.close();
  if (seen !== messages || wrong !== "")
    throw new Error(`${seen} of ${messages} messages arrived; ${wrong || "all as they should be"}`);
}

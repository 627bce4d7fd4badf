/** Every way in which a link or a server can go away and come back, as pairs of begin and end, and the tests that are made of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Delivery } from "../../src/index.ts";
import type { Bed } from "./loss-bed.ts";
import { type Mix, small, wide } from "./loss-messages.ts";
import { limit, pause, Run, type RunOptions } from "./loss-rig.ts";
import type { Allowances } from "./oracle.ts";

export const levels: readonly Delivery[] = ["at-most-once", "at-least-once"];

/** One way to go away. */
export interface Outage {
  readonly name: string;
  /** Whether only silence tells the client of it. */
  readonly silent: boolean;
  readonly begin: (run: Run, bed: Bed) => void | Promise<void>;
  readonly end: (run: Run, bed: Bed) => void | Promise<void>;
  /** How long it lasts, ms. */
  readonly lasts: number;
  readonly client?: RunOptions["client"];
  readonly allowances?: Allowances;
}

/** So long a silent link lives at most here: `stallTimeout`, a tick or two of its clock, and a loaded machine. */
const stallTimeout = 500;
const silence = 1_400;

/** Found by silence. `timeout` bounds the dials that nobody answers. */
const impatient: RunOptions["client"] = { stallTimeout, timeout: 400 };

const plain = (name: "rst" | "fin" | "refuse"): Outage => ({
  name,
  silent: false,
  begin: (run) => run.breakLink(name),
  end: (run) => run.mendLink(),
  lasts: 300,
});

/** Those that `loss-cuts.test.ts` and `loss-tls.test.ts` carry for at-most-once. */
export const plainOutages: readonly Outage[] = [plain("rst"), plain("fin"), plain("refuse")];

export const hardOutages: readonly Outage[] = [
  {
    name: "flap (the first connection after the outage is reset after 200 kB)",
    silent: false,
    begin: (run) => run.breakLink("rst"),
    end: (run) => {
      run.proxy.cutNext({ toServer: 200_000 });
      return run.mendLink();
    },
    lasts: 500,
  },
  {
    name: "black hole on the open connection, new ones swallowed too, a reset at its end",
    silent: true,
    begin: ({ proxy }) => {
      proxy.toServer.swallow();
      proxy.toClient.swallow();
    },
    end: (run) => {
      run.cut();
      run.proxy.toServer.forward();
      run.proxy.toClient.forward();
    },
    lasts: silence,
    client: impatient,
  },
  {
    name: "black hole on the open connection, new ones refused",
    silent: true,
    begin: ({ proxy }) => {
      proxy.refuse();
      for (const { toServer, toClient } of proxy.connections) {
        toServer.swallow();
        toClient.swallow();
      }
    },
    end: ({ proxy }) => proxy.accept(),
    lasts: silence,
    client: impatient,
  },
  {
    name: "hold (the proxy stops reading), and what it held comes after all",
    silent: true,
    begin: ({ proxy }) => {
      for (const { toServer, toClient } of proxy.connections) {
        toServer.hold();
        toClient.hold();
      }
    },
    end: ({ proxy }) => {
      proxy.toServer.forward();
      proxy.toClient.forward();
    },
    lasts: silence,
    client: impatient,
    allowances: { lateDoubt: true },
  },
  {
    name: "freeze (SIGSTOP, SIGCONT)",
    silent: true,
    begin: (_run, bed) => bed.server.freeze(),
    end: (_run, bed) => bed.server.thaw(),
    lasts: silence,
    client: impatient,
    allowances: { lateDoubt: true },
  },
];

/** A test that publishes all the while: before the outage, during it and behind it. */
export function testOutage(bed: Bed, what: string, outage: Outage, delivery: Delivery): void {
  test(`${what}${delivery}, ${outage.name}: nothing is lost silently`, limit, async (t) => {
    const mix: Mix = outage.silent ? small : wide;
    const run = await Run.start(t, bed, { mix, client: { ...outage.client, delivery } });
    const publishing = run.publishFor(500 + outage.lasts, 5_000);
    await pause(250);
    await outage.begin(run, bed);
    await pause(outage.lasts);
    await outage.end(run, bed);
    await publishing;
    const { links, inDoubt, unconfirmedBytes } = await run.finish(t, outage.allowances ?? {});
    assert.ok(links >= 2, "the client never noticed");
    if (delivery === "at-least-once") assert.equal(inDoubt, 0);
    // 64 KiB, if nothing holds this process up. Other clients have all that the kernel takes in doubt here, 4 MB.
    if (outage.silent) assert.ok(unconfirmedBytes <= 512 * 1024, `${unconfirmedBytes} bytes in doubt or sent again`);
  });
}

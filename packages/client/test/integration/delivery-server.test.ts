/**
 * The server itself dies, with a stream on disk. A PONG is a read receipt: what a server had read and its stream not yet stored is gone with
 * the server. So each loss is in doubt, or a PONG had come for it, which is counted here from what the client's links read. Beyond that the
 * two levels hold: never twice; everything in flight sent again.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { StorageType } from "@nats-io/jetstream";
import { levels } from "./delivery-outages.ts";
import { makeTlsFiles } from "./delivery-tls-files.ts";
import { Bed } from "./loss-bed.ts";
import { light } from "./loss-messages.ts";
import { limit, pause, Run } from "./loss-rig.ts";

const beds = [
  { what: "", bed: new Bed() },
  { what: "TLS, ", bed: new Bed(makeTlsFiles) },
];

for (const { what, bed } of beds) {
  for (const delivery of levels) {
    for (const end of ["kill", "terminate"] as const) {
      const name = `${what}${delivery}, ${end === "kill" ? "kill -9" : "SIGTERM"} and a restart`;
      test(`${name}: each loss is in doubt, or was confirmed by the server that died`, limit, async (t) => {
        const run = await Run.start(t, bed, { storage: StorageType.File, mix: light, client: { delivery } });
        const publishing = run.publishFor(900, 10_000);
        await pause(300);
        await bed.server[end]();
        await pause(200);
        await bed.server.restart();
        await publishing;
        const { stored, inDoubt, links } = await run.finish(t, { serverForgets: true });
        assert.ok(stored > 3_000, `${stored} stored`);
        assert.ok(links >= 2, "the client never noticed");
        if (delivery === "at-least-once") assert.equal(inDoubt, 0);
      });
    }
  }
}

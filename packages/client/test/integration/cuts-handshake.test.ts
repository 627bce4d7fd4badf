/**
 * One connection after the other dies a byte later than the last, from the first byte of CONNECT to far behind the handshake; and connections
 * die in the middle of the server's answer.
 */
import { test } from "node:test";
import { frameBytes } from "./cuts-messages.ts";
import { CutRig } from "./cuts-rig.ts";

/** CONNECT and the two PINGs of the handshake take less than 300 bytes. */
const CONNECTIONS = 500;
const PONG = "PONG\r\n".length;

for (const tls of [false, true]) {
  for (const delivery of ["at-most-once", "at-least-once"] as const) {
    test(`${tls ? "TLS" : "TCP"}, ${delivery}: connections that die one byte later each lose nothing, handshake included`, async (t) => {
      const rig = await CutRig.start(t, { delivery, tls });
      await rig.chain(CONNECTIONS);
      t.diagnostic(rig.figures);
    });

    test(`${tls ? "TLS" : "TCP"}, ${delivery}: a connection that dies in the middle of a PONG confirms nothing by it`, async (t) => {
      const rig = await CutRig.start(t, { delivery, tls });
      const sizes = [20, 20, 20, 20];
      for (const kind of ["rst", "fin"] as const) {
        for (let answer = 0; answer <= 2 * PONG; answer++) {
          const bytes = sizes.length * frameBytes(20) + PONG;
          await rig.cut({ bytes, kind, pongs: answer >= PONG, sizes, perTurn: 1 + (answer % 4), answer });
        }
      }
      t.diagnostic(rig.figures);
    });
  }
}

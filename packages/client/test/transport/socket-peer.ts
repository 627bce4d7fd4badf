import { once } from "node:events";
import type { Socket } from "node:net";
import type { ContractPeer } from "../../src/testing/transport-contract.ts";

/** The server's end of a socket, `raw` or the TLS socket above it, as the contract suite wants it. */
export function socketPeer(raw: Socket, socket: Socket): ContractPeer {
  let sink: (bytes: Uint8Array) => void = () => {};
  let listening = false;
  raw.on("error", () => {});
  return {
    read(into) {
      sink = into;
      if (!listening) socket.on("data", (bytes) => sink(bytes));
      listening = true;
      socket.resume();
    },
    hold: () => void socket.pause(),
    async send(bytes) {
      if (!socket.write(bytes)) await once(socket, "drain");
    },
    fin: () => void socket.end(),
    reset: () => void raw.resetAndDestroy(),
    destroy: () => void raw.destroy(),
    ended: new Promise((resolve) => {
      socket.on("error", () => resolve("rst"));
      socket.once("end", () => resolve("fin"));
      socket.once("close", () => resolve("fin")); // the peer itself closed: nobody should wait for ever
    }),
  };
}

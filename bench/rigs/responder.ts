import { startNatsServer } from "holdfast/testing";
import type { Peers } from "../peers/peers.ts";
import { Side } from "../shared/side.ts";
import type { Answer, RespondTask, Setup, Task } from "../shared/tasks.ts";
import type { Rig } from "./rig.ts";
import { counted } from "./server.ts";

export const REQUEST_SUBJECT = "bench.request";

/** A server and one responder for all sides: nats.go's, the same for all, or Holdfast where there is no Go. */
export async function responderRig({ found }: Peers): Promise<Rig> {
  const server = await startNatsServer({ monitoring: true });
  const setup: Setup = { url: server.url };
  const peer = found.get("nats.go") ?? found.get("holdfast");
  if (peer === undefined) throw new Error("nobody to answer requests");
  const responder = new Side<Task | RespondTask, Answer>("responder", peer.command(setup));
  await responder.do({ kind: "respond", subject: REQUEST_SUBJECT });
  return {
    setup: () => Promise.resolve(setup),
    // Each request and each answer; the sides compare the numbers.
    round: (side, task) => counted(server, side, task, 2 * task.messages),
    check: async () => {},
    [Symbol.asyncDispose]: async () => {
      await responder.end();
      await server.stop();
    },
  };
}

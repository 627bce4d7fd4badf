import { startNatsServer } from "holdfast/testing";
import { sideCommand } from "../shared/library.ts";
import { Side } from "../shared/side.ts";
import type { Setup } from "../shared/tasks.ts";
import type { Rig } from "./rig.ts";

/** A source that is faster than any client: a server of its own, or, `through` a real one, a publisher to it. The sides look at every number themselves. */
export async function sourceRig(through: boolean): Promise<Rig> {
  const server = through ? await startNatsServer() : undefined;
  const args = server === undefined ? [] : [String(server.port)];
  const source = new Side<object, { readonly url?: string }>("source", sideCommand("source", args));
  const { url = server?.url ?? "" } = await source.do({});
  const setup: Setup = { url };
  return {
    setup: () => Promise.resolve(setup),
    round: (side, task) => side.do(task),
    check: async () => {},
    [Symbol.asyncDispose]: async () => {
      await source.end();
      await server?.stop();
    },
  };
}

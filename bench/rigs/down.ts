import { freePort, type NatsServer, startFaultProxy, startNatsServer } from "holdfast/testing";
import type { Answer, DownTask, Setup, Task } from "../shared/tasks.ts";
import { withNumbersChecked } from "./numbers.ts";
import type { Rig, TaskSide } from "./rig.ts";

const CHECKED = 100_000;
const PATIENCE_MS = 20_000;

/** No server at all. The sides say how many messages they hold. */
export async function nowhereRig(): Promise<Rig> {
  const setup: Setup = { url: `nats://127.0.0.1:${await freePort()}`, down: true };
  return {
    setup: () => Promise.resolve(setup),
    round: (side, task) => side.do(task),
    check: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

/** A server for each side, which is ended, and started again when the side holds its backlog; it counts what arrives then. */
export async function backlogRig(): Promise<Rig> {
  const servers = new Map<string, NatsServer>();
  const serverOf = ({ url }: Setup): NatsServer => {
    const server = servers.get(url);
    if (server === undefined) throw new Error(`no server at ${url}`);
    return server;
  };
  return {
    setup: async () => {
      const server = await startNatsServer({ monitoring: true });
      servers.set(server.url, server);
      return { url: server.url };
    },
    round: (side, task, setup) => restarted(serverOf(setup), side, downTask(task)),
    check: (_side, task, setup, another) => throughProxy(serverOf(setup), another, downTask(task)),
    [Symbol.asyncDispose]: async () => {
      for (const server of servers.values()) await server.stop();
    },
  };
}

async function restarted(server: NatsServer, side: TaskSide, task: DownTask): Promise<Answer> {
  await server.terminate();
  await side.do({ ...task, kind: "hold" });
  const drained = side.do({ ...task, kind: "drain" });
  const [answer] = await Promise.all([drained, server.restart()]);
  const arrived = Number((await server.varz()).in_msgs);
  if (arrived !== task.messages) throw new Error(`${side.name}: held ${task.messages}, the server counted ${arrived}`);
  return answer;
}

/** A subscriber beside the server sees loss and order: it stays when a proxy cuts the side off. */
async function throughProxy(server: NatsServer, another: (setup: Setup) => TaskSide, task: DownTask): Promise<void> {
  const messages = Math.min(task.messages, CHECKED);
  await using proxy = await startFaultProxy({ upstream: server });
  const side = another({ url: proxy.url });
  try {
    // It answers when it has connected.
    await side.do({ kind: "publish", messages: 1, bytes: task.bytes, batch: 1, pool: 1, mode: "bytes" });
    const expected = { subject: "bench.publish", messages, bytes: task.bytes };
    await withNumbersChecked({ url: server.url }, expected, PATIENCE_MS, async () => {
      proxy.refuse();
      await proxy.cut("rst-both");
      await side.do({ ...task, messages, kind: "hold" });
      const drained = side.do({ ...task, messages, kind: "drain" });
      proxy.accept();
      await drained;
    });
    await side.end();
  } finally {
    await side.kill();
  }
}

function downTask(task: Task): DownTask {
  if (task.kind !== "drain") throw new Error(`no task for a backlog: ${task.kind}`);
  return task;
}

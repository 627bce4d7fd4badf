/** A side of the benchmarks with a Node client, in a process of its own. Argument: its set-up as JSON. */
import { serve } from "../shared/serve.ts";
import type { Answer, RespondTask, Setup, Task } from "../shared/tasks.ts";
import { SideClient } from "./connection.ts";
import { append, drain, hold } from "./down.ts";
import { publish, roundTrip } from "./publish.ts";
import { receive, request, respond } from "./receive.ts";
import { ingest, stream } from "./stream.ts";

const setup: Setup = JSON.parse(process.argv[2] ?? "{}");
const client = await SideClient.open(setup);
await serve(
  setup.library ?? "nats.js",
  (task: Task | RespondTask) => act(task),
  () => client.close(),
);

function act(task: Task | RespondTask): Promise<Answer | object> {
  switch (task.kind) {
    case "publish":
      return publish(client, task);
    case "roundTrip":
      return roundTrip(client, task);
    case "append":
      return append(client, task);
    case "hold":
      return hold(client, task);
    case "drain":
      return drain(client, task);
    case "receive":
      return receive(client, task);
    case "respond":
      return respond(client, task);
    case "request":
      return request(client, task);
    case "stream":
      return stream(client, task);
    case "ingest":
      return ingest(client, task);
  }
}

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type NatsServer, startNatsServer } from "holdfast/testing";
import { authority, certificate } from "../../packages/client/test/transport/certificates.ts";
import type { Answer, Setup, Task } from "../shared/tasks.ts";
import { withNumbersChecked } from "./numbers.ts";
import type { Rig, TaskSide } from "./rig.ts";

/** Enough to see what is lost or out of order, and few enough for the subscriber to keep up. */
const CHECKED = 100_000;
const PATIENCE_MS = 20_000;

/** One real server for all sides, with TLS or without; it counts what arrives. */
export async function serverRig(tls = false): Promise<Rig> {
  const secrets = tls ? await makeSecrets() : undefined;
  const server = await startNatsServer({ monitoring: true, ...(secrets === undefined ? {} : { config: { tls: secrets.tls } }) });
  const setup: Setup = secrets === undefined ? { url: server.url } : { url: `tls://localhost:${server.port}`, ca: secrets.ca };
  return {
    setup: () => Promise.resolve(setup),
    round: (side, task) => counted(server, side, task, task.messages),
    check: async (side, task) => {
      const messages = Math.min(task.messages, CHECKED);
      if (task.kind !== "publish") return;
      const strings = task.mode === "string" ? { stringsOf: task.pool } : {};
      const unchanged = task.mode === "reference" ? { pool: task.pool } : {};
      const expected = { subject: "bench.publish", messages, bytes: task.bytes, ...strings, ...unchanged };
      await withNumbersChecked(setup, expected, PATIENCE_MS, () => side.do({ ...task, messages }));
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      secrets?.remove();
    },
  };
}

/** One round, and the server must have read exactly `wanted` messages in it. */
export async function counted(server: NatsServer, side: TaskSide, task: Task, wanted: number): Promise<Answer> {
  const before = Number((await server.varz()).in_msgs);
  const answer = await side.do(task);
  const arrived = Number((await server.varz()).in_msgs) - before - (answer.beside ?? 0);
  if (arrived !== wanted) throw new Error(`${side.name}: published ${wanted}, the server counted ${arrived}`);
  return answer;
}

interface Secrets {
  /** PEM. */
  readonly ca: string;
  /** For the server's configuration. */
  readonly tls: { readonly cert_file: string; readonly key_file: string };
  remove(): void;
}

async function makeSecrets(): Promise<Secrets> {
  const ca = await authority("holdfast bench");
  const { cert, key } = await certificate(ca, ["localhost"], ["127.0.0.1"]);
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bench-"));
  const tls = { cert_file: join(folder, "cert.pem"), key_file: join(folder, "key.pem") };
  writeFileSync(tls.cert_file, cert);
  writeFileSync(tls.key_file, key, { mode: 0o600 });
  return { ca: ca.cert, tls, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

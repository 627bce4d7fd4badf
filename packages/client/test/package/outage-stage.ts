import { join } from "node:path";
import type { Project } from "../../../../scripts/package/project.ts";
import { connect } from "../../src/index.ts";
import { type FaultProxy, startFaultProxy, startNatsServer } from "../../src/testing/index.ts";
import { authority, certificate } from "../transport/certificates.ts";

/** What programs/outages.mjs needs around it: servers, and somebody who makes the faults it asks for. */
export interface OutageStage extends AsyncDisposable {
  readonly env: NodeJS.ProcessEnv;
}

/** The files of its certificates go into the project. */
export async function openOutageStage(project: Project): Promise<OutageStage> {
  const ca = await authority("holdfast outage stage");
  const own = await certificate(ca, ["localhost"], ["127.0.0.1"]);
  const files = { "ca.pem": ca.cert, "server.pem": own.cert, "server.key": own.key };
  for (const [file, text] of Object.entries(files)) project.write(file, text);
  const tls = { cert_file: join(project.folder, "server.pem"), key_file: join(project.folder, "server.key") };

  const server = await startNatsServer();
  const upgraded = await startNatsServer({ config: { tls } });
  const tlsFirst = await startNatsServer({ config: { tls: { ...tls, handshake_first: true } } });
  const proxy = await startFaultProxy({ upstream: server });
  const nc = await connect({ servers: server.url });
  nc.subscribe("fault", { callback: (_, msg) => void make(proxy, msg.string()).then(() => msg.respond()) });
  await nc.flush();
  return {
    env: {
      NATS_URL: server.url,
      PROXY_URL: proxy.url,
      TLS_URL: upgraded.url,
      TLS_FIRST_URL: tlsFirst.url,
      TLS_CA: join(project.folder, "ca.pem"),
    },
    [Symbol.asyncDispose]: async () => {
      await nc.close();
      await proxy.stop();
      await Promise.all([server, upgraded, tlsFirst].map((one) => one.stop()));
    },
  };
}

async function make(proxy: FaultProxy, fault: string): Promise<void> {
  if (fault === "cut") {
    proxy.refuse();
    await proxy.cut("rst");
  } else if (fault === "hole") {
    proxy.toServer.swallow();
    proxy.toClient.swallow();
  } else if (fault === "cut each") {
    proxy.cutEach({ toServer: 1_300_000 });
  } else {
    proxy.cutEach(null);
    await proxy.cut("rst");
    proxy.toServer.forward();
    proxy.toClient.forward();
    await proxy.accept();
  }
}

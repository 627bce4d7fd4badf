/** What a test of `holdfast pub` looks at: a real server, and the official client that hears what reaches it. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { connect, type Msg } from "@nats-io/transport-node";
import { type FaultProxy, type NatsServer, type NatsServerOptions, startFaultProxy, startNatsServer } from "holdfast/testing";

/** Subscribed to everything, past the proxy. */
export interface Watcher {
  /** In the order of arrival. */
  readonly heard: readonly Msg[];
  /** Resolves when so many came. */
  whenHeard(messages: number): Promise<void>;
}

export interface Place {
  readonly server: NatsServer;
  readonly proxy: FaultProxy;
  readonly watcher: Watcher;
  /** A directory of the test's own. */
  readonly folder: string;
}

/** A server, a proxy before it, and a client of the official kind that listens to `subject` on the server itself. */
export async function startPlace(t: TestContext, subject = ">", options: NatsServerOptions = {}): Promise<Place> {
  const server = await startNatsServer(options);
  t.after(() => server.stop());
  const proxy = await startFaultProxy({ upstream: server });
  t.after(() => proxy.stop());
  return { server, proxy, watcher: await watch(t, server, subject), folder: scratch(t) };
}

export async function watch(t: TestContext, server: NatsServer, subject: string): Promise<Watcher> {
  const nc = await connect({ servers: server.url });
  t.after(() => nc.close());
  const heard: Msg[] = [];
  const waiting: { readonly messages: number; readonly resolve: () => void }[] = [];
  nc.subscribe(subject, {
    callback: (error, msg) => {
      if (error !== null) throw error;
      heard.push(msg);
      for (const { messages, resolve } of waiting) if (heard.length >= messages) resolve();
    },
  });
  await nc.flush();
  return {
    heard,
    whenHeard: (messages) =>
      new Promise((resolve) => {
        waiting.push({ messages, resolve });
        if (heard.length >= messages) resolve();
      }),
  };
}

export function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-pub-test-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Cuts the link and lets no new connection through, until the returned function is called. It resolves after `dials` were turned away. */
export async function cutLink(proxy: FaultProxy, dials: number): Promise<() => void> {
  proxy.onAccept = "reset";
  await proxy.cut();
  const enough = proxy.accepted + dials;
  while (proxy.accepted < enough) await new Promise((resolve) => setTimeout(resolve, 10));
  return () => {
    proxy.onAccept = "forward";
  };
}

/** The lines of a file that `--undelivered` wrote, parsed. */
export function recordsIn(path: string): readonly Readonly<Record<string, unknown>>[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line): Readonly<Record<string, unknown>> => JSON.parse(line));
}

/** What `--json` printed: one line, one object. */
export function reportIn(stdout: string): Readonly<Record<string, unknown>> {
  return JSON.parse(stdout);
}

/** From `first` on, so many numbers, as lines. */
export function numberedLines(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `line ${i}`);
}

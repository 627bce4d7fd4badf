import { createRequire } from "node:module";
import { checkServerIdentity, type TLSSocket } from "node:tls";
import { connect, type HoldfastConnection, type HoldfastOptions, headers, type MsgHdrs, type NatsConnection } from "holdfast";
import { connectOptions } from "../connection/connect-options.ts";
import type { ServerSettings } from "../connection/server-options.ts";
import { type NatsJsPlace, officialPackage } from "./nats-js.ts";

/** The clients that can be measured. */
export type ClientName = "holdfast" | "nats.js";

/** A connection of either client. Both have the same interface; what only Holdfast has is in `holdfast`. */
export interface BenchConnection {
  readonly nc: NatsConnection;
  /** The same connection; null for the official client. */
  readonly holdfast: HoldfastConnection | null;
  /** New headers: each client takes its own. */
  readonly headers: () => MsgHdrs;
}

/** Which client, and what to connect to. All of it can be sent to another process. */
export interface ConnectPlan {
  readonly client: ClientName;
  readonly server: ServerSettings;
  /** Null for Holdfast. */
  readonly natsJs: NatsJsPlace | null;
  /** The host whose certificate must be shown, where the connection leads through a proxy; null for the host that is dialled. */
  readonly tlsHost: string | null;
}

/** Connects with the same options for either client; `extra` is for Holdfast alone. */
export async function connectClient(
  plan: ConnectPlan,
  shared: HoldfastOptions,
  extra: HoldfastOptions,
): Promise<BenchConnection> {
  const base = connectOptions(plan.server);
  const options: HoldfastOptions = { ...base, ...tlsFor(base, plan.tlsHost), ...shared };
  if (plan.natsJs === null) {
    const nc = await connect({ ...options, ...extra });
    return { nc, holdfast: nc, headers };
  }
  const official = decodeOfficial(createRequire(plan.natsJs.from)(officialPackage));
  return {
    nc: await official.connect({ ...options, ...userOfUrl(options) }),
    holdfast: null,
    headers: () => official.headers(),
  };
}

/** Behind a proxy the name that is dialled is not the server's. */
function tlsFor({ tls }: HoldfastOptions, tlsHost: string | null): HoldfastOptions {
  if (tlsHost === null) return {};
  const check = (_: string, certificate: ReturnType<TLSSocket["getPeerCertificate"]>): Error | undefined =>
    checkServerIdentity(tlsHost, certificate);
  // One of those that are passed on to node:tls.
  return { tls: Object.assign({}, tls, { checkServerIdentity: check }) };
}

/** The official client ignores what stands before the `@` of a URL; ours takes it. */
function userOfUrl({ servers, authenticator }: HoldfastOptions): { user?: string; pass?: string; token?: string } {
  const [first = ""] = typeof servers === "string" ? [servers] : (servers ?? []);
  const userInfo = /^(?:[a-z][a-z0-9+.-]*:\/\/)?(.*)@/i.exec(first)?.[1];
  if (userInfo === undefined || authenticator !== undefined) return {};
  const [user = "", pass] = userInfo.split(":").map(decodeURIComponent);
  return pass === undefined ? { token: user } : { user, pass };
}

interface Official {
  connect(options: object): Promise<NatsConnection>;
  headers(): MsgHdrs;
}

function decodeOfficial(module: unknown): Official {
  if (typeof module === "object" && module !== null && "connect" in module && "headers" in module) return module as Official;
  throw new Error(`${officialPackage} is here, but of a version without connect() and headers(): 3.0 or newer is needed`);
}

/**
 * `holdfast/testing`: real servers, broken links, fake servers and a clock that stands still, for tests of programs that use
 * NATS. Everything runs on loopback in the test's own process, except nats-server itself, and nothing outlives that process.
 *
 * - {@link startNatsServer} and {@link startCluster}: a real nats-server, to be killed, restarted, frozen, reloaded.
 * - {@link startFaultProxy}: a TCP proxy that resets, refuses, holds, swallows, delays, throttles, and cuts at an exact byte.
 * - {@link startFakeServer}: a NATS server that follows a script, well-behaved or not.
 * - {@link VirtualClock}: time, timers and randomness that a test controls.
 */

export type { Runtime, Timer } from "../runtime.ts";
export { type DialAnswer, type MemoryOptions, memoryTransport } from "../transport/memory.ts";
export type { MemoryPeer } from "../transport/memory-peer.ts";
export type { Endpoint, Link, LinkHandler, SecureOptions, Transport } from "../transport/transport.ts";
export type { FakeConnection } from "./fake-connection.ts";
export type { FakeMessage } from "./fake-message.ts";
export { type FakeScripts, fakeScripts } from "./fake-scripts.ts";
export { type FakeScript, type FakeServer, type FakeServerOptions, startFakeServer } from "./fake-server.ts";
export type { Refusal } from "./fake-service.ts";
export { type CutPoint, type FaultProxy, type FaultProxyOptions, type OnAccept, startFaultProxy } from "./fault-proxy.ts";
export type { MonitorReport } from "./monitor.ts";
export { type NatsCluster, type NatsClusterOptions, startCluster } from "./nats-cluster.ts";
export { type NatsServer, type NatsServerState, startNatsServer } from "./nats-server.ts";
export { freePort, listenOnFreePort } from "./ports.ts";
export type { ConnectionFlow, Direction, ProxiedConnection, ProxiedFrame } from "./proxied-connection.ts";
export type { CutKind, FlowControls, FlowSettings } from "./proxy-flow.ts";
export { seededRandom } from "./seeded-random.ts";
export { findNatsServer, serverVersionAtLeast } from "./server-binary.ts";
export type { ServerConfig, ServerConfigValue } from "./server-config.ts";
export type { WaitForLogOptions } from "./server-log.ts";
export type { NatsServerOptions } from "./server-options.ts";
export { type ContractChild, type ContractPeer, type TransportHarness, transportContract } from "./transport-contract.ts";
export { type PendingTasks, VirtualClock, type VirtualClockOptions } from "./virtual-clock.ts";
export { type WireFrame, WireReader } from "./wire-reader.ts";

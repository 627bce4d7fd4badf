import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Endpoint, Link, LinkHandler, SecureOptions, Transport } from "../transport/transport.ts";
import { LinkRecorder, StreamCheck } from "./transport-recorder.ts";

/** The other end of a link, controlled by the test. It begins holding: it reads nothing. */
export interface ContractPeer {
  /** Reads from now on. */
  read(sink: (bytes: Uint8Array) => void): void;
  /** Stops reading. */
  hold(): void;
  /** Sends bytes; resolves when more may be sent. */
  send(bytes: Uint8Array): Promise<void>;
  /** Sends FIN and goes on reading if it was. */
  fin(): void;
  /** Sends RST. */
  reset(): void;
  /** Closes as a program that ends: with bytes unread that is RST on TCP. */
  destroy(): void;
  /** How the link's side ended, once all before it is read: `"fin"`, or `"rst"` for any error. */
  readonly ended: Promise<"fin" | "rst">;
}

/** A process that dialled the endpoint, called `keepAlive(hold)`, sent one byte, and sends a second one if it is alive 200 ms later. */
export interface ContractChild {
  /** Its exit code: 0 if it ended by itself, 7 if its link was closed before. */
  readonly exited: Promise<number | null>;
}

/** What the suite needs to judge a transport. */
export interface TransportHarness {
  readonly transport: Transport;
  /** Where the peer listens. */
  readonly endpoint: Endpoint;
  /** Where nobody does. */
  readonly refusing: Endpoint;
  /** Given to `dial()`. */
  readonly secure?: SecureOptions;
  /** What `Link.encrypted` must be after `open()`. */
  readonly encrypted: boolean;
  /** The other end of the next link; the promise may be asked for before the dial. */
  accepted(): Promise<ContractPeer>;
  /** An open link and its peer. Where TLS comes later, it has come. */
  open(handler: LinkHandler): Promise<{ readonly link: Link; readonly peer: ContractPeer }>;
  /** Destroys every peer accepted so far. */
  drop(): void;
  /** See ContractChild; left out where a link cannot keep a process alive. */
  spawn?(hold: boolean): ContractChild;
  /** Ends what the harness started. */
  close(): Promise<void>;
}

/** Registers one test of the suite. */
export type Contract = (behaviour: string, run: (harness: TransportHarness, context: TestContext) => Promise<void>) => void;

/** A link with all that watches it. */
export interface OpenLink {
  readonly link: Link;
  readonly peer: ContractPeer;
  readonly recorder: LinkRecorder;
  /** For what the peer reads. */
  readonly received: StreamCheck;
}

/** An open link whose owner and peer check the test stream. */
export async function openLink(harness: TransportHarness): Promise<OpenLink> {
  const recorder = new LinkRecorder();
  return { ...(await harness.open(recorder)), recorder, received: new StreamCheck() };
}

/** Writes chunks of these lengths, each when the one before is taken. Stops when the link ends. */
export async function drive(link: Link, recorder: LinkRecorder, lengths: readonly number[]): Promise<void> {
  for (const length of lengths) {
    await recorder.until(() => !recorder.waits || recorder.ends.length > 0);
    if (recorder.ends.length > 0) return;
    recorder.write(link, length);
  }
  await recorder.until(() => !recorder.waits || recorder.ends.length > 0);
}

/** Writes to a peer that holds until a chunk stays outstanding: for 100 turns the kernel has no room. */
export async function fill(link: Link, recorder: LinkRecorder): Promise<void> {
  for (;;) {
    recorder.write(link, link.chunkBytes);
    for (let turn = 0; recorder.waits && turn < 100; turn++) await nextTurn();
    if (recorder.waits) return;
  }
}

/** Long enough for anything that wrongly follows. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn();
}

/** What the peer has is the test stream, so much of it, and the owner was told nothing it must not be told. */
export function assertStream(stream: StreamCheck, length: number): void {
  assert.deepEqual({ length: stream.length, wrongAt: stream.wrongAt }, { length, wrongAt: -1 });
}

/** Nothing happened that the contract forbids. */
export function assertObeyed(recorder: LinkRecorder): void {
  assert.deepEqual(recorder.violations, []);
}

/** The sockets of this process that are open, once those that are about to close have done so. */
export async function openSockets(): Promise<string> {
  await settled();
  return listSockets();
}

/** Waits until as many are open as before; sockets close in a later turn. */
export async function assertSocketsReturn(before: string, harness: TransportHarness): Promise<void> {
  for (let turn = 0; turn < 2000 && listSockets() !== before; turn++) {
    harness.drop();
    await nextTurn();
  }
  assert.equal(listSockets(), before);
}

function listSockets(): string {
  return process
    .getActiveResourcesInfo()
    .filter((name) => /TCPSocket|TCPConnect|TLS|Write|Shutdown|GetAddr/.test(name))
    .sort()
    .join(" ");
}

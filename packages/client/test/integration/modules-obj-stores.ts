import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import type { TestContext } from "node:test";
import { type ObjectStore, type ObjectStoreMeta, type ObjectStoreOptions, Objm } from "@nats-io/obj";
import type { HoldfastOptions } from "../../src/index.ts";
import { type ModuleLine, openModuleLine } from "./modules-harness.ts";

export interface Stores {
  readonly modules: ModuleLine;
  /** On Holdfast, through the proxy. */
  readonly ours: ObjectStore;
  /** The same bucket, on the official client, straight to the server. */
  readonly theirs: ObjectStore;
}

/** A bucket "files", made by Holdfast. Undefined, and the test is skipped, when the server is too old. */
export async function openStores(
  t: TestContext,
  client: HoldfastOptions = {},
  options: Partial<ObjectStoreOptions> = {},
): Promise<Stores | undefined> {
  const modules = await openModuleLine(t, client);
  if (modules === undefined) return undefined;
  const ours = await new Objm(modules.line.nc).create("files", options);
  return { modules, ours, theirs: await new Objm(modules.second).open("files") };
}

/** As large as the objects of the promise: many times the reconnect buffer. */
export const LARGE = 50 * 1024 * 1024;

/** Data that no other object has. */
export function dataOf(bytes: number): Uint8Array {
  return randomBytes(bytes);
}

/** The digest that an object store writes beside an object: SHA-256 in padded base64url, computed by Node. */
export function digestOf(data: Uint8Array): string {
  const digest = createHash("sha256").update(data).digest("base64");
  return `SHA-256=${digest.replaceAll("+", "-").replaceAll("/", "_")}`;
}

/** `data` in pieces whose sizes do not fit the chunks of the store. `before` is awaited before each piece, with what went before it. */
export function streamOf(
  data: Uint8Array,
  before: (given: number) => Promise<void> | void = () => {},
): ReadableStream<Uint8Array> {
  const piece = 200_003;
  let given = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await before(given);
        controller.enqueue(data.subarray(given, given + piece));
        given += piece;
        if (given >= data.length) controller.close();
      },
    },
    // Nothing is read ahead: what `before` does happens where the store is.
    { highWaterMark: 0 },
  );
}

/** Reads an object as a stream. `after` is awaited after each piece, with what has come until then. */
export async function readObject(
  store: ObjectStore,
  name: string,
  after: (come: number) => Promise<void> | void = () => {},
): Promise<Uint8Array> {
  const result = await store.get(name);
  assert.ok(result !== null, `no object ${name}`);
  const pieces: Uint8Array[] = [];
  let come = 0;
  const reader = result.data.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    pieces.push(next.value);
    come += next.value.length;
    await after(come);
  }
  // Undefined or null: the module says either.
  assert.ok(!(await result.error));
  return Buffer.concat(pieces);
}

/** Two arrays of 50 MB are not compared by `deepEqual`, which would print them. */
export function assertSame(got: Uint8Array | null, wanted: Uint8Array): void {
  assert.ok(got !== null, "there is no object");
  assert.equal(got.length, wanted.length);
  assert.ok(Buffer.compare(got, wanted) === 0, "the bytes differ");
}

/** Puts a small text, with chunks of 64 bytes. */
export async function putText(
  store: ObjectStore,
  name: string,
  text: string,
  meta: Partial<ObjectStoreMeta> = {},
): Promise<void> {
  await store.putBlob({ name, options: { max_chunk_size: 64 }, ...meta }, new TextEncoder().encode(text));
}

export async function textOf(store: ObjectStore, name: string): Promise<string | null> {
  const data = await store.getBlob(name);
  return data === null ? null : new TextDecoder().decode(data);
}

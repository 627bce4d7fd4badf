import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/shared/node.ts";
import { compiledLibrary, sideCommand } from "../shared/library.ts";
import type { Command } from "../shared/side.ts";
import type { Setup } from "../shared/tasks.ts";
import { type Native, obtainNative, type Recipe } from "./native.ts";
import { c, go, rust } from "./recipes.ts";

/** Who takes part. To add a peer: a line here, its recipe (recipes.ts) if it is a program of its own, and its name in the rows (bench/rows.ts). */
export type PeerName =
  | "holdfast"
  | "base"
  | "nats.js"
  | "nats.js noAsyncTraces"
  | "nats.go"
  | "async-nats"
  | "nats.c"
  | "wire limit";

/** A peer that can run. */
export interface Peer {
  readonly name: PeerName;
  readonly version: string;
  command(setup: Setup): Command;
}

/** The peers of a run, and why others are not among them. */
export interface Peers {
  readonly found: ReadonlyMap<PeerName, Peer>;
  readonly missing: ReadonlyMap<PeerName, string>;
}

const RECIPES: readonly {
  readonly name: PeerName;
  readonly version: string;
  readonly recipe: Recipe;
  readonly quick: boolean;
}[] = [
  { name: "nats.go", version: "1.55.0", quick: true, recipe: go },
  { name: "nats.c", version: "3.4.1", quick: false, recipe: c },
  { name: "async-nats", version: "0.51.0", quick: false, recipe: rust },
];

/** What a run may build and whom it compares with. */
export interface PeerOptions {
  /** Only what is wanted is looked for. */
  readonly wanted: ReadonlySet<PeerName>;
  /** Build what takes minutes; without it such a peer comes from the cache or not at all. */
  readonly slowBuilds: boolean;
  /** Another checkout of the workspace: its library becomes the peer "base". */
  readonly against: string | undefined;
}

export async function obtainPeers({ wanted, slowBuilds, against }: PeerOptions): Promise<Peers> {
  const own: Peer[] = [
    holdfast("holdfast", root),
    nodePeer("nats.js", {}),
    nodePeer("nats.js noAsyncTraces", { noAsyncTraces: true }),
    { name: "wire limit", version: "", command: (setup) => sideCommand("wire", [JSON.stringify(setup)]) },
    ...(against === undefined ? [] : [holdfast("base", against)]),
  ];
  const found = new Map<PeerName, Peer>(own.map((peer) => [peer.name, peer]));
  const missing = new Map<PeerName, string>();
  for (const { name, version, recipe, quick } of RECIPES) {
    if (!wanted.has(name)) continue;
    const native: Native = await obtainNative(recipe, slowBuilds || quick);
    if ("reason" in native) missing.set(name, native.reason);
    else found.set(name, { name, version, command: (setup) => ({ program: native.program, args: [JSON.stringify(setup)] }) });
  }
  return { found, missing };
}

function holdfast(name: PeerName, tree: string): Peer {
  const library = compiledLibrary(tree);
  const { version } = JSON.parse(readFileSync(join(tree, "packages/client/package.json"), "utf8"));
  return { name, version, command: (setup) => sideCommand("client", [JSON.stringify({ ...setup, library })]) };
}

function nodePeer(name: PeerName, options: Readonly<Record<string, unknown>>): Peer {
  const { version } = JSON.parse(readFileSync(join(root, "node_modules/@nats-io/transport-node/package.json"), "utf8"));
  return {
    name,
    version,
    command: (setup) => sideCommand("client", [JSON.stringify({ ...setup, options: { ...setup.options, ...options } })]),
  };
}

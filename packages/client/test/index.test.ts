import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import * as core from "@nats-io/nats-core";
import * as official from "@nats-io/transport-node";
import ts from "typescript";
import * as holdfast from "../src/index.ts";

/** What Node adds to a CommonJS module. */
const INTEROP = ["default", "module.exports", "__esModule"];
const OURS = [
  "FlushError",
  "JetStreamApiError",
  "ReconnectBufferFullError",
  "StreamPublishError",
  "StreamPublisherFullError",
  "UndeliveredError",
  "publishToStream",
];
/** Where a value of ours is not the official one. */
const REPLACED = ["connect", "wsconnect"];
/** What transport-node exports and Holdfast does not, with the reason; who needs one finds it in `@nats-io/nats-core/internal`. */
const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  "parts of the official connection, of which ours is not made: an instanceof would be false": [
    "Heartbeat",
    "MsgImpl",
    "MuxSubscription",
    "NatsConnectionImpl",
    "ProtocolHandler",
    "RequestOne",
    "Servers",
    "SubscriptionImpl",
    "Subscriptions",
  ],
  "its reading and writing of the protocol": [
    "Connect",
    "DataBuffer",
    "DenoBuffer",
    "INFO",
    "Kind",
    "MAX_SIZE",
    "Parser",
    "State",
    "describe",
    "extractProtocolMessage",
    "protoLen",
    "readAll",
    "writeAll",
  ],
  "its options, with other defaults than ours": [
    "DEFAULT_MAX_RECONNECT_ATTEMPTS",
    "checkOptions",
    "checkUnsupportedOption",
    "defaultOptions",
    "parseOptions",
  ],
  "its one transport a process, which ours would not obey": ["getResolveFn", "setTransportFactory", "wsUrlParseFn"],
};

test("exports everything nats-core exports, the very same, except wsconnect", () => {
  for (const name of namesIn(core)) assert.ok(name in holdfast, `${name} is missing`);
  assertSame(core);
});

test("exports every value of transport-node, or says why not", () => {
  const missing = namesIn(official).filter((name) => !(name in holdfast));
  assert.deepEqual(missing, Object.values(LEFT_OUT).flat().sort());
  assertSame(official);
});

test("exports every type of transport-node", () => {
  const [theirs = [], ours = []] = exportedTypes([
    fileURLToPath(import.meta.resolve("@nats-io/transport-node")).replace(/index\.js$/, "lib/mod.d.ts"),
    fileURLToPath(new URL("../src/index.ts", import.meta.url)),
  ]);
  assert.ok(theirs.includes("NodeConnectionOptions") && theirs.includes("NatsConnection"), theirs.join(" "));
  assert.deepEqual(
    theirs.filter((name) => !ours.includes(name)),
    [],
  );
});

test("exports nothing else but its own", () => {
  const others = namesIn(holdfast).filter((name) => !(name in official));
  assert.deepEqual(others, OURS);
});

test("wsconnect() says that there is no WebSocket yet", async () => {
  await assert.rejects(holdfast.wsconnect(), /no WebSocket transport; use connect\(\)/);
});

test("connect() rejects for options that cannot be, by the option's name", async () => {
  await assert.rejects(holdfast.connect({ reconnectBuffer: -1 }), (error) => {
    assert.ok(error instanceof core.InvalidArgumentError);
    assert.match(error.message, /reconnectBuffer/);
    return true;
  });
});

function namesIn(module: object): string[] {
  return Object.keys(module)
    .filter((name) => !INTEROP.includes(name))
    .sort();
}

/** What Holdfast exports under a name of `module` is that module's own. */
function assertSame(module: object): void {
  for (const name of namesIn(module)) {
    if (name in holdfast && !REPLACED.includes(name)) assert.equal(Reflect.get(holdfast, name), Reflect.get(module, name), name);
  }
}

/** The names that each of these modules exports and that can stand where a type stands: types, interfaces, classes. */
function exportedTypes(files: readonly string[]): string[][] {
  const options = {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    allowImportingTsExtensions: true,
    noEmit: true,
  };
  const program = ts.createProgram(files, { ...options, skipLibCheck: true, types: ["node"] });
  const checker = program.getTypeChecker();
  return files.map((file) => {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    assert.ok(module !== undefined, `${file} is no module`);
    return checker
      .getExportsOfModule(module)
      .filter(
        (symbol) =>
          ((symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol).flags & ts.SymbolFlags.Type) !== 0,
      )
      .map((symbol) => symbol.name);
  });
}

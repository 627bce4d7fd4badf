import { fileURLToPath } from "node:url";
import type { Member } from "./members.ts";

/** A change of a module as it is loaded; see scripts/compat/hooks.mjs. */
export interface Patch {
  /** Absolute. */
  readonly file: string;
  readonly find?: string;
  readonly replace?: string;
  readonly append: string;
}

/**
 * The ways to switch a member off, each by a patch: a test counts if one of them makes it fail. None: the member is nothing but a type, and
 * the type test stands for it.
 *
 * Methods and getters throw; options are gone before they are read; events are not told of; exports are something else.
 */
export function switchesOf({ row, owner, type, isValue }: Member): Patch[] {
  const special = specials[row];
  if (special !== undefined) return [special()];
  if (row === owner) return isValue ? exportSwitches(owner) : [];
  const [member = "", word] = row.slice(owner.length + 1).split(": ");
  if (!row.startsWith(`${owner}.`)) return [];
  const made = makers[owner];
  if (made !== undefined) return [handedOut(made, member, /^Parameters<.*>\[(\d+)\]$/.exec(type)?.[1])];
  if (type.startsWith("(typeof")) return [staticSwitch(owner, member)];
  const patch = memberSwitches[owner]?.(member, word) ?? (isError(owner) ? errorSwitch(owner, member, word) : undefined);
  return patch === undefined ? [] : [patch];
}

/** Where what users hold is handed to them. */
const makers: Readonly<Record<string, readonly [file: string, made: string]>> = {
  NatsConnection: ["client/open.ts", "open"],
  Subscription: ["client/subscription.ts", "subscribe"],
  Msg: ["client/message.ts", "decodeMessage"],
};

type Maker = (member: string, word: string | undefined) => Patch | undefined;

const memberSwitches: Readonly<Record<string, Maker>> = {
  ServerInfo: (member) => inSource("client/open.ts", `open = off.handOutWithoutInner(open, "info", ${key(member)});`),
  Stats: (member) => ofConnection("stats", member),
  Server: (member) => ofConnection("getServers", member),
  ConnectionOptions: (member) => withoutOption([member]),
  NodeConnectionOptions: (member) => withoutOption([member]),
  TlsOptions: (member) => withoutOption(["tls", member]),
  NodeTlsOptions: (member) => withoutOption(["tls", member]),
  TokenAuth: (member) => withoutAuth(member, false),
  UserPass: (member) => withoutAuth(member, false),
  NKeyAuth: (member) => withoutAuth(member, false),
  JwtAuth: (member) => withoutAuth(member, true),
  PublishOptions: (member) =>
    inSource(
      "client/publish.ts",
      ["publish", "respond", "publishAndConfirm"]
        .map((method) => `off.replace(Publisher.prototype, "${method}", (to) => off.argumentWithout(to, 2, [${key(member)}]));`)
        .join("\n"),
    ),
  RequestOptions: (member) => inSource("client/request.ts", `request = off.argumentWithout(request, 3, [${key(member)}]);`),
  RequestManyOptions: (member, word) =>
    inSource(
      "client/request-many.ts",
      word === undefined
        ? `requestMany = off.argumentWithout(requestMany, 3, [${key(member)}]);`
        : `requestMany = off.refuseArgument(requestMany, 3, ${key(member)}, "${word}");`,
    ),
  SubOpts: (member) => inSource("client/subscription.ts", `subscribe = off.argumentWithout(subscribe, 2, [${key(member)}]);`),
  MsgHdrs: (member) => inCore(`off.refuseMember(core.MsgHdrsImpl.prototype, ${key(member)});`),
  // A field of the instance, which only `new` can hide.
  MsgHdrsImpl: (member) =>
    member === "headers"
      ? exportSwitch("MsgHdrsImpl", `off.classWithout(core.MsgHdrsImpl, ${key(member)})`)
      : inCore(`off.refuseMember(core.MsgHdrsImpl.prototype, ${key(member)});`),
  Bench: (member) => exportSwitch("Bench", `off.classWithout(core.Bench, ${key(member)})`),
  Metric: (member) => exportSwitch("Metric", `off.classWithout(core.Metric, ${key(member)})`),
  Nuid: (member) => exportSwitch("Nuid", `off.classWithout(core.Nuid, ${key(member)})`),
  Status: (name) => {
    const [type, member] = name.split(".");
    const args = member === undefined ? `"${type}"` : `"${type}", "${member}"`;
    return inSource("client/status.ts", `off.replace(StatusFeed.prototype, "report", (to) => off.eventWithout(to, ${args}));`);
  },
};

/** What users' functions are given, and what they return. */
const specials: Readonly<Record<string, () => Patch>> = {
  "MsgCallback(err)": () => ofCallback("err"),
  "MsgCallback(msg)": () => ofCallback("msg"),
  "MsgCallback: Promise<never>": () => ofCallback("promise"),
  "ReviverFn(key)": () => ofReviver("key"),
  "ReviverFn(value)": () => ofReviver("value"),
  "Authenticator(nonce)": () => ofAuthenticator("off.withoutNonce(readAuthenticator)"),
  "ReconnectToServerHandler(pool)": () => ofHandler("pool"),
  "ReconnectToServerHandler(info)": () => ofHandler("info"),
  "ReconnectToServerHandler: Server": () => ofHandler("server"),
  "ReconnectToServerHandler: { server: Server; delay: number; }": () => ofHandler("delay"),
  "ReconnectToServerHandler: null": () => ofHandler("null"),
};

/** Of a connection, subscription or message: a member, or an argument of a method. */
function handedOut([file, made]: readonly [string, string], member: string, argument: string | undefined): Patch {
  if (argument === undefined) return inSource(file, `${made} = off.handOutWithout(${made}, ${key(member)});`);
  const method = member.slice(0, member.indexOf("("));
  return inSource(file, `${made} = off.handOutWithoutArgument(${made}, ${key(method)}, ${argument});`);
}

const INDEX = sourcePath("index.ts");

/** An export is something else; and where it is an error, what the library throws is. */
function exportSwitches(name: string): Patch[] {
  if (name === "connect" || name === "wsconnect") return [inSource("index.ts", `${name} = off.stub("${name}");`)];
  const other = inFile("stand-in.mjs", `export const ${name} = off.otherError(core.${name});`);
  return [exportSwitch(name, `off.value("${name}", core.${name})`), ...(isError(name) ? [other] : [])];
}

function exportSwitch(name: string, instead: string): Patch {
  const append = `${IMPORTS}\nexport const ${name} = ${instead};`;
  return { file: INDEX, find: exportLine(name), replace: "\n", append };
}

/** As index.ts has it in its list. */
function exportLine(name: string): string {
  return `\n  ${name},\n`;
}

function staticSwitch(owner: string, member: string): Patch {
  const isConstant = owner === "errors" || owner === "Match";
  if (isConstant) return exportSwitch(owner, `off.objectWithout(core.${owner}, ${key(member)})`);
  return inCore(`off.refuseMember(core.${owner}, ${key(member)});`);
}

function errorSwitch(owner: string, member: string, word: string | undefined): Patch {
  const args = [`core.${owner}`, key(member), ...(word === undefined ? [] : [`"${word}"`])];
  return inFile("stand-in.mjs", `export const ${owner} = off.errorWithout(${args.join(", ")});`);
}

function isError(name: string): boolean {
  return name.endsWith("Error");
}

function ofConnection(method: string, member: string): Patch {
  const without = `(to) => off.resultWithout(to, ${key(member)})`;
  return inSource("client/connection.ts", `off.replace(Connection.prototype, "${method}", ${without});`);
}

function withoutOption(path: readonly string[]): Patch {
  return inSource("resolve-options.ts", `readGiven = off.optionsWithout(readGiven, ${JSON.stringify(path)});`);
}

function withoutAuth(member: string, withJwt: boolean): Patch {
  return ofAuthenticator(`off.authWithout(readAuthenticator, ${key(member)}, ${withJwt})`);
}

function ofAuthenticator(instead: string): Patch {
  return inSource("resolve-nats-options.ts", `readAuthenticator = ${instead};`);
}

function ofCallback(part: string): Patch {
  return inSource("client/subscription.ts", `subscribe = off.callbackWithout(subscribe, "${part}");`);
}

function ofHandler(part: string): Patch {
  return inSource("resolve-options.ts", `readGiven = off.handlerWithout(readGiven, "${part}");`);
}

function ofReviver(part: string): Patch {
  return inSource("client/message.ts", `off.replace(Message.prototype, "json", (to) => off.reviverWithout(to, "${part}"));`);
}

/** Behind a module of the library. */
function inSource(file: string, append: string): Patch {
  return { file: sourcePath(file), append: `${IMPORTS}\n${append}` };
}

/** On nats-core's own classes, before anything else is loaded. */
function inCore(append: string): Patch {
  return inFile("apply.mjs", append);
}

function inFile(file: string, append: string): Patch {
  return { file: fileURLToPath(new URL(`./${file}`, import.meta.url)), append: `${IMPORTS}\n${append}` };
}

function sourcePath(file: string): string {
  return fileURLToPath(new URL(`../../packages/client/src/${file}`, import.meta.url));
}

const IMPORTS = `import * as core from "@nats-io/nats-core";\nimport * as off from "${new URL("./off-all.ts", import.meta.url)}";`;

/** As source: `"flush"`, `Symbol.asyncDispose`. */
function key(member: string): string {
  return member.startsWith("[") ? member.slice(1, -1) : JSON.stringify(member);
}

import { join } from "node:path";
import ts from "typescript";

/** Something that a program may rely on: what a row of docs/COMPATIBILITY.md is about. */
export interface Member {
  /** Its name in the table: `nuid`, `NatsConnection.flush`, `Status.disconnect.server`, `RequestManyOptions.strategy: stall`. */
  readonly row: string;
  /** The exported name that it belongs to. */
  readonly owner: string;
  /** A type that only exists while the member does. `holdfast` stands for the library, `Includes<A, B>` for B, which A must include. */
  readonly type: string;
  /** Whether what it belongs to is there when a program runs. */
  readonly isValue: boolean;
}

type Row = Omit<Member, "isValue">;

/** What nats-core exports, and transport-node's own, as the compiler sees it. */
interface Declarations {
  readonly checker: ts.TypeChecker;
  readonly exports: ReadonlyMap<string, ts.Symbol>;
  /** What `export type` names, whatever it is. */
  readonly onlyTypes: ReadonlySet<string>;
}

const FILES = ["node_modules/@nats-io/nats-core/lib/mod.d.ts", "node_modules/@nats-io/transport-node/lib/connect.d.ts"];

/** The interfaces whose methods the library writes itself: their parameters have rows, too. */
const IMPLEMENTED = ["NatsConnection", "Subscription", "Msg"];

/** The union of the events: its parts are listed by their `type`, under this name. */
const EVENTS = "Status";

/** Every export of nats-core and of transport-node's `connect.d.ts`, and every member of each, in the order of the declarations. */
export function listMembers(root: string): Member[] {
  const declarations = readDeclarations(root);
  return [...declarations.exports].flatMap(([name, symbol]) => {
    const isValue = (symbol.flags & ts.SymbolFlags.Value) !== 0 && !declarations.onlyTypes.has(name);
    const rows = [{ row: name, owner: name, type: typeOf(name, symbol) }, ...membersOf(declarations, name, symbol)];
    return rows.map((row) => ({ ...row, isValue }));
  });
}

function readDeclarations(root: string): Declarations {
  const files = FILES.map((file) => join(root, file));
  const program = ts.createProgram(files, {
    target: ts.ScriptTarget.ES2023,
    lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    types: [],
  });
  const checker = program.getTypeChecker();
  const exports = new Map<string, ts.Symbol>();
  const onlyTypes = new Set<string>();
  for (const file of files) {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    if (module === undefined) throw new Error(`${file} has no declarations: run npm ci`);
    for (const symbol of checker.getExportsOfModule(module)) {
      exports.set(symbol.name, symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
      if (symbol.declarations?.some(ts.isTypeOnlyExportDeclaration)) onlyTypes.add(symbol.name);
    }
  }
  return { checker, exports, onlyTypes };
}

function membersOf(declarations: Declarations, name: string, symbol: ts.Symbol): Row[] {
  const { checker } = declarations;
  if (name === EVENTS) return eventRows(checker, checker.getDeclaredTypeOfSymbol(symbol));
  const members = typeRows(declarations, name, symbol);
  return [...members, ...staticRows(checker, name, symbol).filter(({ row }) => !members.some((member) => member.row === row))];
}

/** The members of an interface, class or object type; the parameters of a function type, and what it may return. */
function typeRows(declarations: Declarations, name: string, symbol: ts.Symbol): Row[] {
  const { checker } = declarations;
  if (!(symbol.flags & TYPES)) return [];
  const type = checker.getDeclaredTypeOfSymbol(symbol);
  // The parts of a union have names of their own.
  if (type.isUnion() || isEvent(declarations, type)) return [];
  const whole = instanceOf(name, symbol);
  return [
    ...checker
      .getPropertiesOfType(type)
      .filter((property) => isListed(property) && !isListedElsewhere(declarations, name, property))
      .flatMap((property) => propertyRows(checker, name, whole, property)),
    ...callRows(checker, name, whole, type),
  ];
}

function propertyRows(checker: ts.TypeChecker, name: string, whole: string, property: ts.Symbol): Row[] {
  const row = `${name}.${nameOf(property)}`;
  const type = `${whole}[${keyOf(property)}]`;
  return [
    { row, owner: name, type },
    ...wordsOf(checker.getTypeOfSymbol(property)).map((word) => ({
      row: `${row}: ${word}`,
      owner: name,
      type: `Includes<${type}, "${word}">`,
    })),
    ...(IMPLEMENTED.includes(name) && property.flags & ts.SymbolFlags.Method
      ? parameterRows(row, name, type, checker.getTypeOfSymbol(property))
      : []),
  ];
}

/** `NatsConnection.publish(options)`: what a method takes. */
function parameterRows(row: string, owner: string, type: string, method: ts.Type): Row[] {
  const [call] = method.getCallSignatures();
  return (call?.getParameters() ?? []).map((parameter, index) => ({
    row: `${row}(${parameter.name})`,
    owner,
    type: `Parameters<${type}>[${index}]`,
  }));
}

function callRows(checker: ts.TypeChecker, name: string, whole: string, type: ts.Type): Row[] {
  const [call] = type.getCallSignatures();
  if (call === undefined) return [];
  return [
    ...parameterRows(name, name, whole, type),
    ...partsOf(call.getReturnType()).map((part) => {
      const text = checker.typeToString(part);
      const type = text.replace(/\bServer\b/g, "holdfast.Server").replaceAll("; }", " }");
      return { row: `${name}: ${text}`, owner: name, type: `Includes<ReturnType<${whole}>, ${type}>` };
    }),
  ];
}

/** The parts of a union without a name of its own; that nothing is returned says nothing. */
function partsOf(type: ts.Type): ts.Type[] {
  if (!type.isUnion() || type.aliasSymbol !== undefined) return [];
  return type.types.filter((part) => !(part.flags & ts.TypeFlags.Void));
}

/** What a class or an object has itself: `InvalidArgumentError.format`, `Match.Exact`. */
function staticRows(checker: ts.TypeChecker, name: string, symbol: ts.Symbol): Row[] {
  if (!(symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Variable))) return [];
  const whole = checker.getTypeOfSymbol(symbol);
  // A constant whose type has a name has its members there.
  const isNamed = whole.aliasSymbol !== undefined || whole.symbol?.name !== "__type";
  if (symbol.flags & ts.SymbolFlags.Variable && isNamed) return [];
  return checker
    .getPropertiesOfType(whole)
    .filter((property) => isListed(property) && property.name !== "prototype")
    .map((property) => ({
      row: `${name}.${nameOf(property)}`,
      owner: name,
      type: `(typeof holdfast.${name})[${keyOf(property)}]`,
    }));
}

/** `Status.disconnect`, `Status.disconnect.server`. */
function eventRows(checker: ts.TypeChecker, events: ts.Type): Row[] {
  return (events.isUnion() ? events.types : []).flatMap((event) => {
    const kind = event.getProperty("type");
    const [word] = kind === undefined ? [] : wordsOf(checker.getTypeOfSymbol(kind), 1);
    if (word === undefined) throw new Error(`${checker.typeToString(event)}: an event without a type`);
    const type = `holdfast.${event.aliasSymbol?.name}`;
    return [
      { row: `${EVENTS}.${word}`, owner: EVENTS, type: `Includes<holdfast.${EVENTS}["type"], "${word}">` },
      ...checker
        .getPropertiesOfType(event)
        .filter((property) => property !== kind)
        .map((property) => ({
          row: `${EVENTS}.${word}.${property.name}`,
          owner: EVENTS,
          type: `${type}[${keyOf(property)}]`,
        })),
    ];
  });
}

/** The words that a member may be, if it may be nothing else. */
function wordsOf(type: ts.Type, least = 2): string[] {
  const parts = (type.isUnion() ? type.types : [type]).filter((part) => !(part.flags & ts.TypeFlags.Undefined));
  const words = parts.flatMap((part) => (part.isStringLiteral() ? [part.value] : []));
  return words.length === parts.length && words.length >= least ? words : [];
}

function isEvent({ exports, checker }: Declarations, type: ts.Type): boolean {
  const symbol = exports.get(EVENTS);
  const events = symbol && checker.getDeclaredTypeOfSymbol(symbol);
  return events?.isUnion() === true && events.types.includes(type);
}

/** Declared by nats.js and meant for users; iterators also where the language declares them. */
function isListed(property: ts.Symbol): boolean {
  if (/^__@(asyncIterator|iterator)@/.test(property.name)) return true;
  const [declaration] = property.declarations ?? [];
  if (declaration === undefined || !declaration.getSourceFile().fileName.includes("/@nats-io/")) return false;
  // By nats.js' convention.
  if (property.name.startsWith("_") && !property.name.startsWith("__@")) return false;
  return !(ts.getCombinedModifierFlags(declaration as ts.Declaration) & ts.ModifierFlags.Private);
}

/** Inherited from, or promised by, a type that is exported too: its rows are there. */
function isListedElsewhere({ exports, checker }: Declarations, name: string, property: ts.Symbol): boolean {
  const declaring = property.declarations?.[0]?.parent;
  const own = exports.get(name);
  const others = [...exports].filter(([other]) => other !== name);
  if (others.some(([, symbol]) => symbol.declarations?.some((declaration) => declaration === declaring))) return true;
  const promised = own?.declarations?.find(ts.isClassDeclaration)?.heritageClauses ?? [];
  return promised
    .flatMap(({ types }) => types)
    .some((type) => {
      const promise = checker.getTypeAtLocation(type);
      return promise.symbol !== undefined && exports.has(promise.symbol.name) && promise.getProperty(property.name) !== undefined;
    });
}

function typeOf(name: string, symbol: ts.Symbol): string {
  const isValue = (symbol.flags & ts.SymbolFlags.Value) !== 0 && !(symbol.flags & TYPES);
  return isValue ? `typeof holdfast.${name}` : instanceOf(name, symbol);
}

/** With something for each of its type parameters. */
function instanceOf(name: string, symbol: ts.Symbol): string {
  const declaration = symbol.declarations?.find(
    (each) => ts.isInterfaceDeclaration(each) || ts.isTypeAliasDeclaration(each) || ts.isClassDeclaration(each),
  );
  const parameters =
    declaration === undefined ? [] : ts.getEffectiveTypeParameterDeclarations(declaration as ts.InterfaceDeclaration);
  if (parameters.length === 0) return `holdfast.${name}`;
  const given = parameters.map(({ constraint }) => (constraint === undefined ? "{ a?: 1 }" : '"a"'));
  return `holdfast.${name}<${given.join(", ")}>`;
}

/** As one writes it: `flush`, `[Symbol.asyncDispose]`. */
function nameOf({ name }: ts.Symbol): string {
  const symbol = /^__@(\w+)@/.exec(name)?.[1];
  return symbol === undefined ? name : `[Symbol.${symbol}]`;
}

function keyOf(property: ts.Symbol): string {
  const name = nameOf(property);
  return name.startsWith("[") ? `typeof ${name.slice(1, -1)}` : `"${name}"`;
}

const TYPES = ts.SymbolFlags.Interface | ts.SymbolFlags.Class | ts.SymbolFlags.TypeAlias;

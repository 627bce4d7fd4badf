/**
 * What the patches of scripts/compat/switches.ts call, in the process of a test: each function switches something off. They are called by
 * appended source, so no compiler sees how; what is not there to be switched off is an error.
 */
import { mark, refuse } from "./marks.ts";

type Callable = (this: unknown, ...args: unknown[]) => unknown;
type Members = Record<PropertyKey, unknown>;

/** A function, or class, that throws. */
export function stub(what: string): Callable {
  mark("off");
  return function off() {
    return refuse(what);
  };
}

/** Something else in the place of an exported value. */
export function value(what: string, real: unknown): unknown {
  mark("off");
  mark("met"); // Who reads it does not call us.
  return typeof real === "function" ? stub(what) : Object.freeze({});
}

/** An exported object, of which one member throws when it is read. */
export function objectWithout(real: object, key: string): unknown {
  mark("off");
  return hiding(real, key);
}

/** `object[key]` becomes what `change` makes of it. */
export function replace(object: Members, key: PropertyKey, change: (member: Callable) => unknown): void {
  const member = object[key];
  if (typeof member !== "function") throw new Error(`no method ${String(key)}`);
  Object.defineProperty(object, key, { value: change(member as Callable), configurable: true, writable: true });
}

/** A method or getter of a prototype, or a static one, throws. */
export function refuseMember(object: object, key: PropertyKey): void {
  if (!Reflect.has(object, key)) throw new Error(`no member ${String(key)}`);
  mark("off");
  Object.defineProperty(object, key, { get: () => refuse(key), configurable: true });
}

/** What the function makes is handed out without a member: to read it throws. */
export function handOutWithout(make: Callable, key: PropertyKey): Callable {
  mark("off");
  return after(make, (made) => hiding(made as object, key));
}

/** What stands in a member of what the function makes is handed out without a member of its own. */
export function handOutWithoutInner(make: Callable, key: PropertyKey, inner: string): Callable {
  mark("off");
  return after(make, (made) => showing(made as object, key, (member) => without(member, [inner])));
}

/** A method of what the function makes is not given one of its arguments. */
export function handOutWithoutArgument(make: Callable, key: PropertyKey, index: number): Callable {
  mark("off");
  return after(make, (made) =>
    showing(made as object, key, (method) => before(method as Callable, (args) => dropped(args, index))),
  );
}

function dropped(args: readonly unknown[], index: number): unknown[] {
  if (args[index] !== undefined) mark("met");
  return args.map((argument, at) => (at === index ? undefined : argument));
}

/** A class whose instances are without a member, for those who make them with `new`. */
export function classWithout(real: new (...args: unknown[]) => object, key: PropertyKey): unknown {
  mark("off");
  return new Proxy(real, { construct: (target, args) => hiding(Reflect.construct(target, args), key) });
}

/** The function's result, or each item of it, is without a member. */
export function resultWithout(make: Callable, key: string): Callable {
  mark("off");
  return after(make, (made) => (Array.isArray(made) ? made.map((item) => without(item, [key])) : without(made, [key])));
}

/** The function gets an argument without a member. */
export function argumentWithout(called: Callable, index: number, path: readonly string[]): Callable {
  mark("off");
  return before(called, (args) => args.map((argument, at) => (at === index ? without(argument, path) : argument)));
}

/** The function's result is without what stands at `path` in it. */
export function optionsWithout(read: Callable, path: readonly string[]): Callable {
  mark("off");
  return after(read, (options) => without(options, path));
}

/** The function refuses an argument that has `word` as its member `key`. */
export function refuseArgument(called: Callable, index: number, key: string, word: string): Callable {
  mark("off");
  return before(called, (args) => {
    if ((args[index] as Members | undefined)?.[key] === word) refuse(word);
    return args;
  });
}

/** `report()` does not tell of an event, or tells of it without one of its members. */
export function eventWithout(report: Callable, type: string, key?: string): Callable {
  mark("off");
  return function reporting(event) {
    const isMeant = (event as { type: string }).type === type;
    if (isMeant && key === undefined) return mark("met");
    return report.call(this, isMeant && key !== undefined ? without(event, [key]) : event);
  };
}

/** Calls `change` with the arguments before the function gets them. */
export function before(called: Callable, change: (args: unknown[]) => unknown[]): Callable {
  return function changed(...args) {
    return called.apply(this, change(args));
  };
}

/** Calls `change` with what the function returns or resolves with. */
export function after(called: Callable, change: (result: unknown) => unknown): Callable {
  return function changed(...args) {
    const result = called.apply(this, args);
    return result instanceof Promise ? result.then(change) : change(result);
  };
}

/** A copy without what stands at `path`; the object itself if there is nothing. */
export function without(object: unknown, [key, ...rest]: readonly string[]): unknown {
  if (typeof object !== "object" || object === null || key === undefined || !(key in object)) return object;
  const members = object as Members;
  if (rest.length > 0) return { ...members, [key]: without(members[key], rest) };
  if (members[key] === undefined) return object;
  mark("met");
  const { [key]: _, ...others } = members;
  return others;
}

/** A view of an object with something else as one of its members. Its methods run on the object itself, which lacks nothing. */
function showing(object: object, changed: PropertyKey, change: (member: unknown) => unknown): object {
  return new Proxy(object, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target);
      // A proxy may not show another value for what is fixed; such methods are closures here.
      const isFixed = Object.getOwnPropertyDescriptor(target, key)?.configurable === false;
      const shown = typeof member === "function" && !isFixed ? member.bind(target) : member;
      return key === changed ? change(shown) : shown;
    },
    set: (target, key, set) => Reflect.set(target, key, set, target),
  });
}

function hiding(object: object, key: PropertyKey): object {
  return showing(object, key, () => refuse(key));
}

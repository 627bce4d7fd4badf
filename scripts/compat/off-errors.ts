/** As off.ts: classes of errors that the library makes something else of. scripts/compat/stand-in.mjs hands them to the library. */
import { mark, refuse, SwitchedOff } from "./marks.ts";

type ErrorClass = (new (...args: unknown[]) => Error) & Record<PropertyKey, unknown>;

/** The library makes errors of another class, with the same text and members. */
export function otherError(real: ErrorClass): unknown {
  return changing(real, (error) => {
    mark("met");
    const other: Error = new SwitchedOff("");
    return Object.assign(other, error, { name: other.name, message: error.message, stack: error.stack, cause: error.cause });
  });
}

/** To read the member of an error of this class throws. With `word`, if it is that word. */
export function errorWithout(real: ErrorClass, key: string, word?: string): unknown {
  return changing(real, (error) => {
    if (word !== undefined && Reflect.get(error, key) !== word) return error;
    Object.defineProperty(error, key, { get: () => refuse(key), configurable: true });
    return error;
  });
}

/** The class, but every error that it makes, with `new` or by a static method, goes through `change` first. */
function changing(real: ErrorClass, change: (error: Error) => Error): unknown {
  mark("off");
  const other: object = new Proxy(real, {
    // Classes of our own that extend it are not meant.
    construct: (target, args, made) =>
      made === other ? change(Reflect.construct(target, args)) : Reflect.construct(target, args, made),
    get(target, key) {
      const member: unknown = Reflect.get(target, key);
      if (typeof member !== "function" || key === "prototype") return member;
      return (...args: unknown[]) => {
        const result: unknown = member.apply(target, args);
        return result instanceof target ? change(result) : result;
      };
    },
  });
  return other;
}

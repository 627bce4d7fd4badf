/** As off.ts: the functions that users give, with a part of what passes through them switched off. */
import { mark, refuse } from "./marks.ts";
import { after, before, without } from "./off.ts";

type Callable = (this: unknown, ...args: unknown[]) => unknown;
type Members = Readonly<Record<string, unknown>>;

/** `subscribe()` gives a callback no error, no message, or hears nothing of what becomes of the promise that it returned. */
export function callbackWithout(subscribe: Callable, part: "err" | "msg" | "promise"): Callable {
  mark("off");
  const wrapped = (callback: Callable): Callable =>
    function called(error, message) {
      if (part === "msg" || (part === "err" && error !== null)) mark("met");
      const result = callback.call(this, part === "err" ? null : error, part === "msg" ? {} : message);
      if (part !== "promise" || !(result instanceof Promise)) return result;
      mark("met");
      result.catch(() => {});
      return undefined;
    };
  return before(subscribe, ([parts, subject, options]) => {
    const given = options as Members | undefined;
    return [
      parts,
      subject,
      typeof given?.callback === "function" ? { ...given, callback: wrapped(given.callback as Callable) } : given,
    ];
  });
}

/** `reconnectToServer` gets no pool or no INFO, or its choice, its delay or its `null` goes no further. */
export function handlerWithout(readGiven: Callable, part: "pool" | "info" | "server" | "delay" | "null"): Callable {
  mark("off");
  const wrapped = (handler: Callable): Callable =>
    function called(pool, info) {
      if (part === "pool" || (part === "info" && info !== null)) mark("met");
      const choice = handler.call(this, part === "pool" ? [] : pool, part === "info" ? null : info) as Members | null;
      if (part === "null" && choice === null) return refuse("null");
      if (part === "server" && choice !== null && !("server" in choice)) {
        mark("met");
        return null;
      }
      return part === "delay" && choice !== null && "server" in choice ? { ...choice, delay: withoutDelay() } : choice;
    };
  return after(readGiven, (options) => {
    const given = options as Members;
    const { reconnectToServer: handler } = given;
    return typeof handler === "function" ? { ...given, reconnectToServer: wrapped(handler as Callable) } : given;
  });
}

function withoutDelay(): number {
  mark("met");
  return 0;
}

/** Authenticators are not given the nonce. */
export function withoutNonce(readAuthenticator: Callable): Callable {
  mark("off");
  return after(readAuthenticator, (authenticator) => () => {
    mark("met");
    return (authenticator as Callable)();
  });
}

/** What authenticators answer is without a member; of answers with a JWT those with `jwt` are meant, of others those without. */
export function authWithout(readAuthenticator: Callable, key: string, withJwt: boolean): Callable {
  mark("off");
  return after(readAuthenticator, (authenticator) => (nonce: unknown) => {
    const answer = (authenticator as Callable)(nonce);
    const isJwt = typeof answer === "object" && answer !== null && "jwt" in answer;
    return isJwt === withJwt ? without(answer, [key]) : answer;
  });
}

/** `msg.json()` does not give the reviver the name, or the value. */
export function reviverWithout(json: Callable, part: "key" | "value"): Callable {
  mark("off");
  return before(json, ([reviver]) => {
    if (typeof reviver !== "function") return [reviver];
    return [
      (name: unknown, value: unknown): unknown => {
        mark("met");
        return part === "key" ? reviver("", value) : reviver(name, undefined);
      },
    ];
  });
}

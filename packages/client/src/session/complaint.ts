import { isFatal, serverErrorKind } from "../protocol/server-error.ts";
import { type Failure, failureOf } from "./failure.ts";

/** The last `-ERR` that may be why the server closes. */
export class Complaint {
  #last: { readonly error: Error; readonly fatal: boolean } | undefined;

  /** The server's words, and the error that they were parsed to. */
  heard(text: string, error: Error): void {
    const kind = serverErrorKind(text);
    // These refuse one operation, and the connection goes on.
    if (kind !== "permission" && kind !== "operation") this.#last = { error, fatal: isFatal(text) };
  }

  get error(): Error | undefined {
    return this.#last?.error;
  }

  /** Why a connection is over that the transport closed with `error`. Undefined: nobody said why. */
  whyClosed(error: Error | null): Failure | undefined {
    const why = this.#last?.fatal === true ? this.#last.error : (error ?? this.#last?.error);
    return why === undefined ? undefined : failureOf(why);
  }
}

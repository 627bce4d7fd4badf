/** A promise that can be looked at: on a virtual clock nothing may be awaited that only the clock would bring about. */
export class Outcome<T> {
  settled = false;
  value: T | undefined;
  error: unknown;

  constructor(promise: Promise<T>) {
    promise.then(
      (value) => {
        this.settled = true;
        this.value = value;
      },
      (error: unknown) => {
        this.settled = true;
        this.error = error;
      },
    );
  }
}

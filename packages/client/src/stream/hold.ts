/** Waits for promises, one at a time, and says when that is over; also when they reject: who waits looks for itself. */
export class Hold {
  readonly #over: () => void;
  #isOn = false;

  constructor(over: () => void) {
    this.#over = over;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  until(ready: Promise<void>): void {
    if (this.#isOn) return;
    this.#isOn = true;
    const goOn = (): void => {
      this.#isOn = false;
      this.#over();
    };
    ready.then(goOn, goOn);
  }
}

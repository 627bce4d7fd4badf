/** What the oracle found, in sentences, and the questions it asks of lists of message numbers. */
export class Report {
  readonly lines: string[] = [];

  add(line: string): void {
    if (this.lines.length < 50) this.lines.push(line);
  }

  /** No message may be like this. */
  none(what: string, numbers: readonly number[], isSo: (number: number) => boolean = () => true): void {
    const found = numbers.filter(isSo);
    if (found.length > 0) this.add(`${found.length} messages ${what}: ${found.slice(0, 5).join(", ")}`);
  }

  /** Every message of `numbers` must hold. */
  all(what: string, numbers: readonly number[], holds: (number: number) => boolean): void {
    this.none(what, numbers, (number) => !holds(number));
  }
}

/** 0 up to `end`, which is left out. */
export function numbersBelow(end: number): number[] {
  return Array.from({ length: end }, (_, number) => number);
}

/** What stands there a second time. */
export function repeated(numbers: readonly number[]): number[] {
  const seen = new Set<number>();
  return numbers.filter((number) => seen.size === seen.add(number).size);
}

/** First copies that stand behind a greater number. */
export function disordered(numbers: readonly number[]): number[] {
  const seen = new Set<number>();
  let greatest = -1;
  return numbers.filter((number) => {
    if (seen.has(number)) return false;
    seen.add(number);
    const late = number < greatest;
    greatest = Math.max(greatest, number);
    return late;
  });
}

/** The numbers of which `more` has more copies than `fewer`. */
export function surplus(more: readonly number[], fewer: readonly number[]): number[] {
  const copies = new Map<number, number>();
  for (const number of fewer) copies.set(number, (copies.get(number) ?? 0) + 1);
  return more.filter((number) => {
    const left = copies.get(number) ?? 0;
    copies.set(number, left - 1);
    return left <= 0;
  });
}

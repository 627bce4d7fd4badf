/**
 * What the demo's messages carry: `<name, 8 characters><number, 8 digits><padding>`. Every byte is known beforehand, so that the reader
 * can tell a message that arrived changed.
 */
const nameLength = 8;
const digits = 8;
const zero = 0x30;

/** The smallest payload that has room for the name and the number, in bytes. */
export const smallestPayload: number = nameLength + digits;

/** One more than the largest message number that fits. */
export const numberLimit: number = 10 ** digits;

/** Returned by {@link PayloadFormat.read} for a payload that this format never wrote. */
export const unreadable = -1;

/** Writes and reads the payloads of one client. */
export class PayloadFormat {
  readonly #template: Buffer;

  /** `name` is cut to 8 characters; `size` is the payload's length in bytes, at least {@link smallestPayload}. */
  constructor(name: string, size: number) {
    if (size < smallestPayload) throw new RangeError(`a payload of ${size} bytes has no room for the name and the number`);
    this.#template = Buffer.alloc(size, ".");
    this.#template.write(name.slice(0, nameLength).padEnd(nameLength), "latin1");
  }

  /** The payload of message `number` in memory of its own: the official client keeps a reference to what it is given. */
  write(number: number): Uint8Array {
    if (!(number >= 0 && number < numberLimit)) throw new RangeError(`message number ${number} does not fit in ${digits} digits`);
    const payload = Buffer.from(this.#template);
    let rest = number;
    for (let at = smallestPayload - 1; at >= nameLength; at--) {
      payload[at] = zero + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    return payload;
  }

  /** The number in `payload`, or {@link unreadable} if any byte is not as `write()` would have written it. */
  read(payload: Uint8Array): number {
    const template = this.#template;
    if (payload.length !== template.length) return unreadable;
    if (template.compare(payload, 0, nameLength, 0, nameLength) !== 0) return unreadable;
    if (template.compare(payload, smallestPayload, payload.length, smallestPayload) !== 0) return unreadable;
    let number = 0;
    for (const byte of payload.subarray(nameLength, smallestPayload)) {
      const digit = byte - zero;
      if (digit < 0 || digit > 9) return unreadable;
      number = number * 10 + digit;
    }
    return number;
  }
}

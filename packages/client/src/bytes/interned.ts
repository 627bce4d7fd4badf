/**
 * Texts by their bytes, as UTF-8; invalid bytes become U+FFFD. Making a string costs about 70 ns, finding it here about 20, and who keeps
 * many equal ones keeps one. Each text has one place, by its hash; it is kept when it comes a second time before another of that place, so
 * that those that never come again cost nothing but their making.
 */
export class InternedTexts {
  readonly #texts: (string | undefined)[] = new Array(PLACES).fill(undefined);
  /** The bytes of each text, 64 for each. */
  readonly #bytes = new Uint8Array(PLACES * LONGEST);
  readonly #lengths = new Uint8Array(PLACES);
  /** The hash that came to a place last. */
  readonly #hashes = new Int32Array(PLACES);

  /** The text between `start` and `end`. Longer ones than 64 bytes are not kept. */
  text(bytes: Uint8Array, start: number, end: number): string {
    if (end - start > LONGEST) return textOf(bytes, start, end);
    const hash = hashOf(bytes, start, end);
    const place = (hash ^ (hash >>> 15)) & (PLACES - 1);
    if (this.#hashes[place] === hash) return this.#at(place, bytes, start, end) ?? this.#keep(place, bytes, start, end);
    this.#hashes[place] = hash;
    return textOf(bytes, start, end);
  }

  /** The text at this place if its bytes are these. */
  #at(place: number, bytes: Uint8Array, start: number, end: number): string | undefined {
    const length = end - start;
    if (this.#lengths[place] !== length) return undefined;
    const from = place * LONGEST;
    for (let i = 0; i < length; i++) if (this.#bytes[from + i] !== bytes[start + i]) return undefined;
    return this.#texts[place];
  }

  #keep(place: number, bytes: Uint8Array, start: number, end: number): string {
    const text = textOf(bytes, start, end);
    this.#texts[place] = text;
    this.#lengths[place] = end - start;
    this.#bytes.set(bytes.subarray(start, end), place * LONGEST);
    return text;
  }
}

/** The text between `start` and `end`, with a byte order mark if it begins with one. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return start === end ? "" : Buffer.prototype.utf8Slice.call(bytes, start, end);
}

function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i] ?? 0)) | 0;
  return hash;
}

/** A power of two: a thousand subjects in turn mostly have a place of their own (with 1 024 each message of theirs cost a quarter more). */
const PLACES = 4096;
const LONGEST = 64;

/** Payloads in one piece of memory, each with the number of its place. */
export function payloadPool(count: number, bytes: number): Buffer[] {
  const all = Buffer.alloc(count * bytes, 46);
  return Array.from({ length: count }, (_, i) => {
    const payload = all.subarray(i * bytes, (i + 1) * bytes);
    setNumber(payload, i);
    return payload;
  });
}

/** The same as strings: the number in hexadecimal digits. */
export function stringPool(count: number, bytes: number): string[] {
  return Array.from({ length: count }, (_, i) => i.toString(16).padStart(8, "0").padEnd(bytes, "."));
}

/** Writes a payload's number. Cheaper than the methods of `Buffer` and `DataView`: it runs beside what is measured. */
export function setNumber(payload: Uint8Array, number: number): void {
  payload[0] = number >>> 24;
  payload[1] = number >>> 16;
  payload[2] = number >>> 8;
  payload[3] = number;
}

/** The number that `setNumber` wrote; -1 for a payload too short to have one. */
export function numberIn(payload: Uint8Array): number {
  if (payload.length < 4) return -1;
  return (((payload[0] ?? 0) << 24) | ((payload[1] ?? 0) << 16) | ((payload[2] ?? 0) << 8) | (payload[3] ?? 0)) >>> 0;
}

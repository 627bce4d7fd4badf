/**
 * What came, for an error message: at most 64 bytes of `bytes` between `start` and `end`, in quotes, everything but printable ASCII
 * escaped. Safe for a log or a terminal whatever the other side sent.
 */
export function excerpt(bytes: Uint8Array, start: number, end: number): string {
  const stop = Math.min(end, start + MAX_BYTES);
  let text = "";
  for (const byte of bytes.subarray(start, stop)) text += printable(byte);
  return stop < end ? `"${text}"...` : `"${text}"`;
}

function printable(byte: number): string {
  if (byte === 13) return "\\r";
  if (byte === 10) return "\\n";
  if (byte === 9) return "\\t";
  if (byte === 34 || byte === 92) return `\\${String.fromCharCode(byte)}`;
  if (byte >= 32 && byte < 127) return String.fromCharCode(byte);
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}

const MAX_BYTES = 64;

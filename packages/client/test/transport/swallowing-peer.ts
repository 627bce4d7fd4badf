/**
 * `swallowing-peer.ts <how> <size> <flag> <cert> <key>`: a TLS server that prints its port, reads `size` bytes, ends the connection
 * by `fin` or `rst`, and then makes the file `flag`.
 */
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { TLSSocket } from "node:tls";

const [how = "", size = "", flag = "", cert = "", key = ""] = process.argv.slice(2);

const listener = createServer((raw) => {
  raw.on("error", () => {});
  const socket = new TLSSocket(raw, { isServer: true, cert, key });
  let received = 0;
  socket.on("error", () => {});
  socket.on("data", (bytes: Uint8Array) => {
    received += bytes.length;
    if (received < Number(size)) return;
    raw.once("close", () => writeFileSync(flag, ""));
    if (how === "fin") socket.destroy();
    else raw.resetAndDestroy();
  });
});
listener.listen(0, "127.0.0.1", () => {
  const address = listener.address();
  if (address !== null && typeof address === "object") process.stdout.write(`${address.port}\n`);
});

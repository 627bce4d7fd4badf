/** A program with nothing but a link: `holding-process.ts <kind> <port> <hold> <ca>`. See `ContractChild`. */
import { tcpTransport } from "../../src/transport/tcp.ts";

const [kind, port, hold, ca = ""] = process.argv.slice(2);

let greet: () => void = () => {};
const greeted = new Promise<void>((resolve) => {
  greet = resolve;
});
const link = await tcpTransport().dial(
  { hostname: "127.0.0.1", port: Number(port), tlsName: "localhost" },
  {
    data: () => greet(),
    taken: () => {},
    closed: () => {
      process.exitCode = 7;
    },
  },
  { signal: new AbortController().signal, ...(kind === "handshake-first" ? { secure: { ca, handshakeFirst: true } } : {}) },
);
if (kind === "upgrade") {
  await greeted;
  await link.secure({ ca }, "localhost");
}
link.keepAlive(hold === "true");
link.write(Buffer.from("1"));
setTimeout(() => link.write(Buffer.from("2")), 200).unref();

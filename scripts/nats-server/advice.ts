import { PINNED } from "./version.ts";

const RELEASE = `https://github.com/nats-io/nats-server/releases/tag/v${PINNED}`;

/** The error for a machine on which no way led to a server. */
export function noServer(reasons: readonly string[], pinnedOnly: boolean): Error {
  const opening = pinnedOnly
    ? `CI wants nats-server ${PINNED} and found no way to get it (HOLDFAST_ANY_NATS_SERVER=1 takes another version).`
    : "There is no nats-server on this machine, and no way to get one by itself.";
  return new Error([opening, "Tried:", ...reasons.map((reason) => `  - ${reason}`), "", ...advice(pinnedOnly)].join("\n"));
}

function advice(pinnedOnly: boolean): string[] {
  return [
    "Do one of these, then run the command again:",
    `  any system      install Go 1.26 or newer (https://go.dev/dl): it builds ${PINNED} by itself;`,
    `                  or unpack ${RELEASE}`,
    "                  and set NATS_SERVER to the path of the program",
    ...(pinnedOnly ? [] : ["  Debian, Ubuntu  sudo apt-get install nats-server"]),
    "  macOS           brew install nats-server",
    "  Windows         scoop install main/nats-server",
    `  docker, Linux   docker create --name nats nats:${PINNED} && docker cp nats:/nats-server . && docker rm nats;`,
    "                  then set NATS_SERVER=./nats-server",
    '  docker, other   docker run --rm -it -v "$PWD":/work -w /work node:22 bash, and run the command in there',
  ];
}

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { root } from "../shared/node.ts";
import { npm } from "./npm.ts";
import type { PackedLibrary } from "./pack.ts";

/** A registry on loopback that has `holdfast`, as if it were published, and sends whoever asks for anything else to the real one. */
export interface Registry extends AsyncDisposable {
  readonly url: string;
}

export async function startRegistry(library: PackedLibrary): Promise<Registry> {
  const upstream = (await npm(root, ["config", "get", "registry"])).trim().replace(/\/$/, "");
  const tarball = readFileSync(library.tarball);
  const server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const file = `/holdfast/-/holdfast-${library.version}.tgz`;
  const document = JSON.stringify(packument(library.version, tarball, `${url}${file}`));
  return { url, [Symbol.asyncDispose]: close };

  function answer(request: IncomingMessage, response: ServerResponse): void {
    // npm's cache outlives this registry and its port.
    response.setHeader("cache-control", "no-store");
    if (request.url === "/holdfast") response.setHeader("content-type", "application/json").end(document);
    else if (request.url === file) response.end(tarball);
    else response.writeHead(302, { location: `${upstream}${request.url}` }).end();
  }

  function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    return closed;
  }
}

/** What a registry says of a package. */
function packument(version: string, tarball: Uint8Array, url: string): object {
  const manifest = JSON.parse(readFileSync(join(root, "packages/client/package.json"), "utf8")) as object;
  const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
  const versions = { [version]: { ...manifest, dist: { tarball: url, integrity } } };
  return { name: "holdfast", "dist-tags": { latest: version }, versions };
}

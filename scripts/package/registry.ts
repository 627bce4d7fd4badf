import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { root } from "../shared/node.ts";
import { npm } from "./npm.ts";
import type { PackedPackage } from "./pack.ts";

/** A registry on loopback that has our packages, as if they were published, and sends whoever asks for anything else to the real one. */
export interface Registry extends AsyncDisposable {
  readonly url: string;
}

export async function startRegistry(...packages: readonly PackedPackage[]): Promise<Registry> {
  const upstream = (await npm(root, ["config", "get", "registry"])).trim().replace(/\/$/, "");
  /** By path. */
  const documents = new Map<string, string>();
  const tarballs = new Map<string, Uint8Array>();
  const server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const { manifest, tarball } of packages) {
    const { name, version } = manifest;
    const path = `/${name}/-/${name}-${version}.tgz`;
    const bytes = readFileSync(tarball);
    tarballs.set(path, bytes);
    documents.set(`/${name}`, JSON.stringify(packument(manifest, bytes, `${url}${path}`)));
  }
  return { url, [Symbol.asyncDispose]: close };

  function answer({ url: path = "" }: IncomingMessage, response: ServerResponse): void {
    // npm's cache outlives this registry and its port.
    response.setHeader("cache-control", "no-store");
    const document = documents.get(path);
    const tarball = tarballs.get(path);
    if (document !== undefined) response.setHeader("content-type", "application/json").end(document);
    else if (tarball !== undefined) response.end(tarball);
    else response.writeHead(302, { location: `${upstream}${path}` }).end();
  }

  function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    return closed;
  }
}

/** What a registry says of a package. */
function packument(manifest: PackedPackage["manifest"], tarball: Uint8Array, url: string): object {
  const { name, version } = manifest;
  const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
  return { name, "dist-tags": { latest: version }, versions: { [version]: { ...manifest, dist: { tarball: url, integrity } } } };
}

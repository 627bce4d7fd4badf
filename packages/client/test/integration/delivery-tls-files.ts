import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { authority, certificate } from "../transport/certificates.ts";
import type { TlsFiles } from "./loss-bed.ts";

/** A certificate for 127.0.0.1 with its key, in a folder of their own. */
export async function makeTlsFiles(): Promise<TlsFiles> {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-loss-tls-"));
  const ca = await authority("holdfast test");
  const { cert, key } = await certificate(ca, ["localhost"], ["127.0.0.1"]);
  const remove = (): void => rmSync(folder, { recursive: true });
  const files = { certFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem"), ca: ca.cert, remove };
  writeFileSync(files.certFile, cert);
  writeFileSync(files.keyFile, key);
  return files;
}

import { generate } from "selfsigned";

/** A certificate with its key, in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority. */
export async function authority(name: string): Promise<Certificate> {
  const made = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, digitalSignature: true, critical: true },
    ],
  });
  return { cert: made.cert, key: made.private };
}

/** A certificate for these DNS names and IP addresses, good for servers and clients, signed by `ca`. `until`: by default a year from now. */
export async function certificate(
  ca: Certificate,
  names: readonly string[],
  ips: readonly string[] = [],
  until?: Date,
): Promise<Certificate> {
  const made = await generate([{ name: "commonName", value: names[0] ?? "holdfast test" }], {
    keyType: "ec",
    algorithm: "sha256",
    ca: { key: ca.key, cert: ca.cert },
    ...(until === undefined ? {} : { notBeforeDate: new Date(until.getTime() - 86_400_000), notAfterDate: until }),
    extensions: [
      { name: "basicConstraints", cA: false },
      { name: "keyUsage", digitalSignature: true },
      { name: "extKeyUsage", serverAuth: true, clientAuth: true },
      {
        name: "subjectAltName",
        altNames: [...names.map((value) => ({ type: 2 as const, value })), ...ips.map((ip) => ({ type: 7 as const, ip }))],
      },
    ],
  });
  return { cert: made.cert, key: made.private };
}

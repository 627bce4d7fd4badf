import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../shared/node.ts";
import { Project } from "./project.ts";

/** Names of packages in the project below: what to install, and how the compiler is started. */
const COMPILERS = [
  { label: "TypeScript 5.9", name: "typescript-5", spec: "npm:typescript@5.9.3" },
  { label: "TypeScript 6.0", name: "typescript-6", spec: "npm:typescript@6.0.3" },
  { label: "TypeScript 7.0", name: "typescript-7", spec: "npm:typescript@7.0.2" },
];
const MANIFEST = {
  name: "compilers",
  private: true,
  type: "module",
  dependencies: {
    "@nats-io/transport-node": "npm:holdfast@^0.1.0",
    "@nats-io/jetstream": "3.4.0",
    "@nats-io/kv": "3.4.0",
    "@nats-io/obj": "3.4.0",
    "@nats-io/services": "3.0.0-25",
  },
  devDependencies: {
    "@types/node": "20.19.43",
    "@opentelemetry/api": "1.10.0",
    ...Object.fromEntries(COMPILERS.map(({ name, spec }) => [name, spec])),
  },
  // It pins a nats-core of a year ago.
  overrides: { "@nats-io/services": { "@nats-io/nats-core": "3.4.0" } },
};
const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  skipLibCheck: true,
  noEmit: true,
  target: "es2022",
  lib: ["es2022", "esnext.disposable"],
  types: ["node"],
};
/** One tsconfig each. */
const SETTINGS = {
  nodenext: { ...STRICT, module: "nodenext", moduleResolution: "nodenext" },
  // With our own declarations, too. Those of nats-core 3.4.0 are wrong under exactOptionalPropertyTypes.
  bundler: { ...STRICT, module: "esnext", moduleResolution: "bundler", skipLibCheck: false, exactOptionalPropertyTypes: false },
};

/** What a user of `holdfast/otel` writes, with the newest API of OpenTelemetry there was. */
const OBSERVING = `
import { metrics } from "@opentelemetry/api";
import { connect, type DiagnosticsMessage } from "@nats-io/transport-node";
import { type Observation, observeConnection } from "@nats-io/transport-node/otel";

export const observed: Observation = observeConnection(await connect(), { meter: metrics.getMeter("a"), attributes: { a: 1 } });
export const typeOf = ({ event }: DiagnosticsMessage): string => (event.type === "undelivered" ? "" : event.type);
`;

/** Compiles a program that was written for the official client against the packed library, with every TypeScript we support. */
export async function tryCompilers(registryUrl: string, say: (line: string) => void): Promise<void> {
  using project = new Project({ manifest: MANIFEST });
  project.useRegistry(registryUrl);
  for (const [name, compilerOptions] of Object.entries(SETTINGS))
    project.write(`tsconfig.${name}.json`, JSON.stringify({ compilerOptions, files: ["user-code.ts", "observing.ts"] }));
  project.write("user-code.ts", readFileSync(join(root, "packages/client/test/types/user-code.ts"), "utf8"));
  project.write("observing.ts", OBSERVING);
  await project.install();
  for (const { label, name } of COMPILERS) {
    for (const setting of Object.keys(SETTINGS))
      await project.run([`node_modules/${name}/bin/tsc`, "-p", `tsconfig.${setting}.json`]);
    say(`${label}: a program for @nats-io/transport-node compiles unchanged, ${Object.keys(SETTINGS).join(", ")}`);
  }
}

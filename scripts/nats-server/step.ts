/** Where a server came from. */
export type Source = "environment" | "cache" | "path" | "go" | "debian";

/** A nats-server that runs on this machine. */
export interface NatsServerBinary {
  /** Absolute. */
  readonly path: string;
  /** As it calls itself, without the "v": `2.15.2`. */
  readonly version: string;
  readonly source: Source;
}

/** What a step needs: the environment variables, and where to tell the user what takes long. */
export interface StepContext {
  readonly env: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
}

/** One way to get a server: the server, or the reason why this way leads nowhere here. */
export type Step = (context: StepContext) => Promise<NatsServerBinary | { readonly reason: string }>;

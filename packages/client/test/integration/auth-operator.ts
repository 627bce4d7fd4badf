import {
  type Account,
  createAccount,
  createOperator,
  createUser,
  encodeAccount,
  encodeGeneric,
  encodeOperator,
  encodeUser,
  fmtCreds,
  type KeyPair,
  type User,
} from "@nats-io/jwt";
import type { ServerConfig } from "../../src/testing/index.ts";

/** A user of an account, with everything that stands in a creds file. */
export interface MadeUser {
  readonly jwt: string;
  readonly key: KeyPair;
  readonly seed: Uint8Array;
  readonly publicKey: string;
  /** The content of a creds file. */
  readonly creds: Uint8Array;
}

/** Seconds since 1970, as JWTs count them. */
export function inSeconds(ms: number): number {
  return Math.floor((Date.now() + ms) / 1000);
}

/** An account of an operator: makes users, and its own JWT as often as it changes. */
export class OperatorAccount {
  readonly name: string;
  readonly #key: KeyPair = createAccount();
  readonly #operator: KeyPair;
  #made = 0;

  constructor(name: string, operator: KeyPair) {
    this.name = name;
    this.#operator = operator;
  }

  get publicKey(): string {
    return this.#key.getPublicKey();
  }

  /**
   * Its JWT, never the same twice, also within one second: the server takes a JWT that it knows for no change, and a deleted account
   * would stay deleted. `revocations`: the public key of a user, and until when its JWTs are revoked.
   */
  jwt(account: Partial<Account> = {}): Promise<string> {
    const content = { limits: UNLIMITED, description: `number ${++this.#made}`, ...account };
    return encodeAccount(this.name, this.#key, content, { signer: this.#operator });
  }

  /** A user; `expiresAt` in seconds since 1970. With `keyOf` another JWT for the same user. */
  async user(name: string, user: Partial<User> = {}, expiresAt?: number, keyOf?: MadeUser): Promise<MadeUser> {
    const key = keyOf === undefined ? createUser() : keyOf.key;
    const jwt = await encodeUser(name, key, this.#key, user, expiresAt === undefined ? {} : { exp: expiresAt });
    return { jwt, key, seed: key.getSeed(), publicKey: key.getPublicKey(), creds: fmtCreds(jwt, key) };
  }
}

/** -1: no limit, as nsc writes it. */
const UNLIMITED = { conn: -1, leaf: -1, imports: -1, exports: -1, subs: -1, data: -1, payload: -1, wildcards: true };

/** An operator with two accounts and a system account, and what a server must be told about them. */
export class Operator {
  readonly a: OperatorAccount;
  readonly b: OperatorAccount;
  readonly system: OperatorAccount;
  readonly #key: KeyPair = createOperator();

  constructor() {
    this.a = new OperatorAccount("A", this.#key);
    this.b = new OperatorAccount("B", this.#key);
    this.system = new OperatorAccount("SYS", this.#key);
  }

  /** Accounts are in the configuration itself. */
  memoryConfig(): Promise<ServerConfig> {
    return this.#config("MEMORY");
  }

  /** Accounts are in a folder of the server, and change by messages to the system account, as `nsc push` sends them. */
  directoryConfig(folder: string): Promise<ServerConfig> {
    return this.#config({ type: "full", dir: folder, allow_delete: true, interval: "2m" });
  }

  /** What `nsc push --prune` asks the server for: signed by the operator. */
  deletionOf(account: OperatorAccount): Promise<string> {
    return encodeGeneric("delete", this.#key, "generic", { accounts: [account.publicKey] });
  }

  async #config(resolver: string | ServerConfig): Promise<ServerConfig> {
    const operator = await encodeOperator("O", this.#key, { system_account: this.system.publicKey });
    const accounts = await Promise.all([this.a, this.b, this.system].map(async (each) => [each.publicKey, await each.jwt()]));
    return { operator, resolver, resolver_preload: Object.fromEntries(accounts) };
  }
}

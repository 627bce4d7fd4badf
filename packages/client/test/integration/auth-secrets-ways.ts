/** The ways in which a `connect()` can fail that has a secret in its options; for `auth-secrets-program.ts`. */
import { createUser } from "@nats-io/jwt";
import { credsAuthenticator, type HoldfastOptions, jwtAuthenticator, nkeyAuthenticator } from "../../src/index.ts";

/** Where the servers of the program are. */
export interface Places {
  /** Wants a user and a password. */
  readonly user: string;
  readonly token: string;
  /** Wants JWTs. */
  readonly jwt: string;
  /** Has TLS. */
  readonly tls: string;
  /** Has TLS and begins with INFO, then echoes what it is sent. */
  readonly echo: string;
  /** Never says a word. */
  readonly silent: string;
  /** Nobody listens. */
  readonly nobody: string;
}

/** The secrets, each under its own name. */
export interface Secrets {
  readonly user: string;
  readonly pass: string;
  readonly token: string;
  readonly urlUser: string;
  readonly urlPass: string;
  readonly urlToken: string;
  readonly seed: string;
  readonly jwt: string;
  readonly jwtSeed: string;
  /** What stands in a creds file that is none. */
  readonly creds: string;
  /** A whole PEM. */
  readonly clientKey: string;
  readonly passphrase: string;
}

/** Options that some server or we ourselves refuse, by what is wrong with them. Some are what only JavaScript lets through. */
export function badOptions(at: Places, secrets: Secrets, ca: string, cert: string): Record<string, unknown> {
  const { user, pass, token, urlUser, urlPass, urlToken, clientKey: key, passphrase } = secrets;
  const inUrl = (place: string): string => `nats://${urlUser}:${urlPass}@${place}`;
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const all: HoldfastOptions = { user, pass, token, authenticator: jwtAuthenticator(secrets.jwt, bytes(secrets.jwtSeed)) };
  const once = { timeout: 300, reconnect: false } as const;
  return {
    "wrong password": { servers: at.user, user, pass },
    "wrong token": { servers: at.token, token },
    "wrong user in the URL": { servers: inUrl(at.user) },
    "wrong token in the URL": { servers: `${urlToken}@${at.token}` },
    "wrong nkey": { servers: at.jwt, authenticator: nkeyAuthenticator(bytes(secrets.seed)) },
    "a seed that is none": { servers: at.jwt, authenticator: nkeyAuthenticator(bytes(pass)) },
    "a seed cut short": { servers: at.jwt, authenticator: nkeyAuthenticator(bytes(secrets.seed.slice(0, -2))) },
    "wrong JWT": { servers: at.jwt, authenticator: jwtAuthenticator(secrets.jwt, bytes(secrets.jwtSeed)) },
    "JWT of another key": { servers: at.jwt, authenticator: jwtAuthenticator(secrets.jwt, createUser().getSeed()) },
    "creds that are none": { servers: at.jwt, authenticator: credsAuthenticator(bytes(secrets.creds)) },
    "several at once": { servers: [at.user, at.token, at.jwt], ...all },
    "an authenticator that gives no text": { servers: at.user, authenticator: () => ({ user, pass: { pass, n: 1n } }) },
    "an authenticator that is none": { servers: at.user, authenticator: pass },
    "a list with one that is none": { servers: at.user, authenticator: [() => undefined, pass] },
    "a token that is none": { servers: at.user, token: { token } },
    "a password that is none": { servers: at.user, user, pass: [pass] },
    "a misspelt option": { servers: at.user, toke: token, usr: user, pas: pass },
    "no options at all": inUrl(at.user),
    "nobody there": { servers: inUrl(at.nobody), ...all, ...once },
    silence: { servers: inUrl(at.silent), ...all, ...once },
    "an echo": { servers: inUrl(at.echo), ...all, ...once },
    "an echo of the URL": { servers: inUrl(at.echo), ...once },
    "no such host": { servers: inUrl("nowhere.invalid"), ...once },
    "no host": { servers: inUrl("bad host") },
    "no port": { servers: inUrl("host:99999") },
    "nothing behind the password": { servers: inUrl("") },
    "a password with everything in it": { servers: `nats://${urlUser}:${urlPass}/@${urlPass}?#@${urlToken}@bad host` },
    "a websocket": { servers: inUrl("host").replace("nats", "ws") },
    "a server that is an object": { servers: [{ url: inUrl(at.user) }] },
    "servers and port": { servers: inUrl(at.user), port: 4222 },
    "no TLS there": { servers: inUrl(at.user), tls: { ca, cert, key }, ...all },
    "TLS that is null": { servers: inUrl(at.tls), tls: null, ...all },
    "an unknown authority": { servers: inUrl(at.tls), tls: { cert, key }, ...all },
    "TLS too early": { servers: at.tls, tls: { ca, cert, key, handshakeFirst: true } },
    "a key without its certificate": { servers: at.tls, tls: { ca, cert: ca, key } },
    "a key that is none": { servers: at.tls, tls: { ca, cert, key: pass } },
    "a certificate that is none": { servers: at.tls, tls: { ca, cert: key, key: cert } },
    "a key in the list": { servers: at.tls, tls: { ca, cert, key: [{ pem: key.slice(0, 90), passphrase }] } },
    "a key that is an object": { servers: at.tls, tls: { ca, cert, key: { pem: key } } },
    "a passphrase that is none": { servers: at.tls, tls: { ca, cert, key, passphrase: { text: passphrase } } },
    "a passphrase in digits": { servers: at.tls, tls: { ca, cert, key, passphrase: Number(passphrase) } },
    "a pfx that is none": { servers: at.tls, tls: { ca, pfx: bytes(key), passphrase } },
    "a key for a path": { servers: at.tls, tls: { ca, cert, keyFile: key } },
    "a key for the path of another file": { servers: at.tls, tls: { caFile: key, cert, key } },
    "a key for a path, as bytes": { servers: at.tls, tls: { ca, cert, keyFile: bytes(key) } },
    "tls that is text": { servers: at.tls, tls: key },
  };
}

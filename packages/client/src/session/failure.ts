import { AuthorizationError, UserAuthenticationExpiredError } from "@nats-io/nats-core";

/**
 * Why an attempt or a connection ended:
 * - `network`: it could not be reached, did not answer as a NATS server does, or went away;
 * - `auth`: the server does not want these credentials;
 * - `fatal`: the user's own code (an authenticator) failed; trying again would not help.
 */
export interface Failure {
  readonly kind: "network" | "auth" | "fatal";
  readonly error: Error;
}

/** A server's `-ERR`, or what went wrong on the way to it. */
export function failureOf(error: Error): Failure {
  return { kind: isAuthError(error) ? "auth" : "network", error };
}

/** The errors that nats.js treats as "these credentials will not do". */
export function isAuthError(error: Error): boolean {
  return error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError;
}

/** What was thrown or rejected with, as an `Error`. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

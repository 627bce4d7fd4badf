import assert from "node:assert/strict";
import { test } from "node:test";
import { AuthorizationError, PermissionViolationError, ProtocolError, UserAuthenticationExpiredError } from "@nats-io/nats-core";
import { isFatal, parseServerError, type ServerErrorKind, serverErrorKind } from "../../src/protocol/server-error.ts";

test("a permission violation names operation, subject and queue", () => {
  const publish = parseServerError('Permissions Violation for Publish to "a.b"');
  assert.ok(publish instanceof PermissionViolationError);
  assert.deepEqual([publish.operation, publish.subject, publish.queue], ["publish", "a.b", undefined]);
  const subscribe = parseServerError('Permissions Violation for Subscription to "a.>" using queue "q"');
  assert.ok(subscribe instanceof PermissionViolationError);
  assert.deepEqual([subscribe.operation, subscribe.subject, subscribe.queue], ["subscription", "a.>", "q"]);
});

test("each text becomes nats-core's error, with the text as its message", () => {
  const expected: readonly (readonly [text: string, type: new (...args: never[]) => Error])[] = [
    ["User Authentication Expired", UserAuthenticationExpiredError],
    ["Authorization Violation", AuthorizationError],
    ["Account Authentication Expired", AuthorizationError],
    ["Authentication Timeout", AuthorizationError],
    ["Stale Connection", ProtocolError],
    ["Maximum Payload Violation", ProtocolError],
    ["User Authentication Revoked", ProtocolError],
    ["", ProtocolError],
  ];
  for (const [text, type] of expected) {
    const error = parseServerError(text);
    assert.equal(error.constructor, type, text);
    assert.equal(error.message, text);
  }
});

const kinds: readonly (readonly [text: string, kind: ServerErrorKind, fatal: boolean])[] = [
  ['Permissions Violation for Publish to "a"', "permission", false],
  ['Permissions Violation for Publish with Reply of "a"', "permission", false],
  ['Permissions Violation for Subscription to "a", too many tokens', "permission", false],
  ["Invalid Subject", "operation", false],
  ["Invalid Publish Subject", "operation", false],
  ["maximum subscriptions exceeded", "operation", false],
  ["Maximum Payload Violation", "frame", true],
  ["maximum control line exceeded", "frame", true],
  ["Unknown Protocol Operation", "frame", true],
  ["Parser Error", "frame", true],
  ["Authorization Violation", "auth", true],
  ["Authentication Timeout", "auth", true],
  ["User Authentication Expired", "auth", true],
  ["User Authentication Revoked", "auth", true],
  ["Account Authentication Expired", "auth", true],
  ["Stale Connection", "connection", true],
  ["Slow Consumer", "connection", true],
  ["maximum connections exceeded", "connection", true],
  ["maximum account active connections exceeded", "connection", true],
  ["Connection throttling is active. Please try again later.", "connection", true],
  ["Failed Account Registration", "connection", true],
  ["Secure Connection - TLS Required", "connection", true],
  ["invalid client protocol", "connection", true],
  ["no responders requires headers support", "connection", true],
  ["attempted to connect to route port", "connection", true],
  ["attempted to connect to leaf node port", "connection", true],
  ["Something New", "unknown", false],
  ["", "unknown", false],
];

for (const [text, kind, fatal] of kinds) {
  test(`${JSON.stringify(text)} is of the kind ${kind} and ${fatal ? "ends" : "does not end"} the connection`, () => {
    assert.equal(serverErrorKind(text), kind);
    assert.equal(serverErrorKind(text.toUpperCase()), kind);
    assert.equal(isFatal(text), fatal);
  });
}

test("a subject quoted in a permission violation decides nothing", () => {
  assert.equal(isFatal('Permissions Violation for Publish to "stale connection"'), false);
  assert.equal(serverErrorKind("x Maximum Payload Violation"), "unknown");
});

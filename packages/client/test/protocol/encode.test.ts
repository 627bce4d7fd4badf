import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeConnect, encodeSub, encodeUnsub, PING, PONG } from "../../src/protocol/encode.ts";

test("SUB is written with and without queue", () => {
  assert.equal(Buffer.from(encodeSub("größe.*", "", 12)).toString(), "SUB größe.* 12\r\n");
  assert.equal(Buffer.from(encodeSub("a.>", "workers", 3)).toString(), "SUB a.> workers 3\r\n");
});

test("UNSUB is written with and without a maximum", () => {
  assert.equal(Buffer.from(encodeUnsub(12)).toString(), "UNSUB 12\r\n");
  assert.equal(Buffer.from(encodeUnsub(12, 5)).toString(), "UNSUB 12 5\r\n");
});

test("CONNECT is one line, whatever its values hold", () => {
  const bytes = Buffer.from(encodeConnect({ verbose: false, name: "a\r\nb ü", user: undefined }));
  assert.equal(bytes.toString(), 'CONNECT {"verbose":false,"name":"a\\r\\nb ü"}\r\n');
});

test("PING and PONG are their lines", () => {
  assert.equal(Buffer.from(PING).toString(), "PING\r\n");
  assert.equal(Buffer.from(PONG).toString(), "PONG\r\n");
});

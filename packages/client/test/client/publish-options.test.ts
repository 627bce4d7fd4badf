import assert from "node:assert/strict";
import { test } from "node:test";
import { InvalidArgumentError } from "@nats-io/nats-core";
import { readMessageOptions, withOptions } from "../../src/client/publish-options.ts";
import type { HoldfastPublishOptions } from "../../src/options.ts";
import type { Treatment } from "../../src/outbound/treatment.ts";

const bound: Treatment = { bound: true, delivery: "at-most-once" };

function treated(options: HoldfastPublishOptions, by?: Treatment): Treatment | undefined {
  return withOptions(by, readMessageOptions(options));
}

/** As untyped callers do. */
function refuses(options: object, ...parts: string[]): void {
  assert.throws(
    () => Reflect.apply(readMessageOptions, undefined, [options]),
    (error) => {
      assert.ok(error instanceof InvalidArgumentError, String(error));
      for (const part of parts) assert.ok(error.message.includes(part), `${JSON.stringify(part)} is not in: ${error.message}`);
      return true;
    },
  );
}

test("without options of ours the class decides, and a plain message stays plain", () => {
  for (const options of [{}, { reply: "r" }, { delivery: undefined, maxAge: undefined, msgId: undefined }]) {
    assert.equal(Reflect.apply(treated, undefined, [options]), undefined);
    assert.equal(Reflect.apply(treated, undefined, [options, bound]), bound);
  }
});

test("a delivery takes the place of the class's, and does not make the message outlive its connection", () => {
  assert.deepEqual(treated({ delivery: "at-least-once" }), { delivery: "at-least-once" });
  assert.deepEqual(treated({ delivery: "at-least-once" }, bound), { bound: true, delivery: "at-least-once" });
  assert.deepEqual(treated({ delivery: "at-most-once" }, { reserved: true }), { reserved: true, delivery: "at-most-once" });
});

test("maxAge is of this message alone; 0 ties it to the connection", () => {
  assert.deepEqual(treated({ maxAge: 1_500 }), { maxAge: 1_500 });
  assert.deepEqual(treated({ maxAge: 0.5 }), { maxAge: 0.5 });
  assert.deepEqual(treated({ maxAge: Infinity }, { reserved: true }), { reserved: true, maxAge: Infinity });
  assert.deepEqual(treated({ maxAge: 0 }), bound);
  assert.deepEqual(treated({ maxAge: -0 }), bound);
  assert.deepEqual(treated({ maxAge: 0, delivery: "at-least-once" }), { bound: true, delivery: "at-least-once" });
});

test("msgId is a header and no treatment", () => {
  assert.equal(readMessageOptions({ msgId: "order-1" }).msgId, "order-1");
  assert.equal(treated({ msgId: "auto" }), undefined);
});

test("wrong values are refused with the option, what is allowed and what was given", () => {
  for (const value of ["exactly-once", "", 1, null, true, {}]) {
    refuses({ delivery: value }, "'delivery'", 'one of "at-most-once", "at-least-once"');
  }
  refuses({ delivery: "exactly-once" }, '"exactly-once" was given');
  for (const value of [-1, -0.001, Number.NaN, -Infinity, "20", null, true, {}, 1n]) {
    refuses({ maxAge: value }, "'maxAge'", "a number of milliseconds from 0, or Infinity");
  }
  refuses({ maxAge: -1 }, "-1 was given");
  for (const value of ["", "  ", "a\r\nB: 1", "a\n", "\r", 5, null, true, {}, ["auto"]]) {
    refuses({ msgId: value }, "'msgId'", 'a string that is not empty and has no line end, or "auto"', "was given");
  }
});

test("copy: false is added to whatever else the message is, true changes nothing", () => {
  const reserved: Treatment = { reserved: true };
  assert.deepEqual(treated({ copy: false }), { byReference: true });
  assert.deepEqual(withOptions(reserved, readMessageOptions({ copy: false })), { reserved: true, byReference: true });
  assert.deepEqual(treated({ copy: false, maxAge: 0 }), { bound: true, delivery: "at-most-once", byReference: true });
  assert.deepEqual(treated({ copy: false, maxAge: 5, delivery: "at-least-once" }), {
    maxAge: 5,
    delivery: "at-least-once",
    byReference: true,
  });
  assert.equal(treated({ copy: true }), undefined);
  for (const value of ["no", 0, null, {}]) refuses({ copy: value }, "'copy'", "was given");
});

test("each option is read once, so that what was checked is what is used", () => {
  const reads: string[] = [];
  const options: HoldfastPublishOptions = new Proxy(
    { delivery: "at-least-once", maxAge: 5, msgId: "a", copy: false },
    {
      get: (target, key) => {
        reads.push(String(key));
        return Reflect.get(target, key);
      },
    },
  );
  readMessageOptions(options);
  assert.deepEqual(reads.sort(), ["copy", "delivery", "maxAge", "msgId"]);
});

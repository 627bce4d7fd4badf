/** What a long outage does to those who keep asking, for an hour of the virtual clock; `long-outage.test.ts` takes ten minutes of it. */
import { test } from "node:test";
import { askForMinutes } from "./long-outage-requests.ts";

test("an hour of 1 000 requests of a second each a second, with the default limits: none is refused, none stays behind", () => {
  askForMinutes(60, {});
});

test("an hour of 1 000 requests of a second each a second, with reconnectBuffer: false: none is refused, none stays behind", () => {
  askForMinutes(60, { reconnectBuffer: false });
});

/** Outages over TCP, at both levels of delivery: `delivery-outages.ts` has them, `oracle.ts` says what must hold. */
import { hardOutages, levels, plainOutages, testOutage } from "./delivery-outages.ts";
import { Bed } from "./loss-bed.ts";

const bed = new Bed();

for (const outage of plainOutages) testOutage(bed, "", outage, "at-least-once");
for (const outage of hardOutages) for (const delivery of levels) testOutage(bed, "", outage, delivery);

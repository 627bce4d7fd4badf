/** The same outages under TLS, where nobody in between can tell what was forwarded whole. */
import { hardOutages, levels, plainOutages, testOutage } from "./delivery-outages.ts";
import { makeTlsFiles } from "./delivery-tls-files.ts";
import { Bed } from "./loss-bed.ts";

const bed = new Bed(makeTlsFiles);

for (const outage of plainOutages) testOutage(bed, "TLS, ", outage, "at-least-once");
for (const outage of hardOutages) for (const delivery of levels) testOutage(bed, "TLS, ", outage, delivery);

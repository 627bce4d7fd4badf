import { createRequire } from "node:module";
import * as holdfast from "holdfast";
import { roundTrip } from "./round-trip.cjs";

const line = await roundTrip(holdfast, process.env.NATS_URL);
// Both ways lead to one module: an error of one is an error of the other.
const same = createRequire(import.meta.url)("holdfast").FlushError === holdfast.FlushError;
process.stdout.write(`${JSON.stringify({ ...JSON.parse(line), same })}\n`);

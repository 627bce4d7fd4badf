const holdfast = require("holdfast");
const { roundTrip } = require("./round-trip.cjs");

roundTrip(holdfast, process.env.NATS_URL).then((line) => process.stdout.write(`${line}\n`));

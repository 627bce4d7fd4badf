/** Written for the official client, and not changed by a letter. */
import { connect, createInbox, errors, headers } from "@nats-io/transport-node";
import { roundTrip } from "./round-trip.cjs";

process.stdout.write(`${await roundTrip({ connect, createInbox, errors, headers }, process.env.NATS_URL)}\n`);

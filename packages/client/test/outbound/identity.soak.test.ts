/** The accounting identity under ten times as many schedules; fast-check prints the seed of one that fails. IDENTITY_RUNS: another number. */
process.env.IDENTITY_RUNS ??= "20000";
await import("./identity.test.ts");

/** nats-core, as the library gets it while one of its classes is switched off: scripts/compat/hooks.mjs adds what stands in for it. */
export * from "@nats-io/nats-core";

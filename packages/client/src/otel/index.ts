/**
 * `holdfast/otel`: what becomes of a connection's messages, as OpenTelemetry metrics. Needs `@opentelemetry/api`, which is an optional
 * peer dependency: `holdfast` itself does not import it.
 */
export { type Observation, type ObserveOptions, observeConnection } from "./observe.ts";

const { metrics } = require("@opentelemetry/api");
const { connect } = require("holdfast");
const { observeConnection } = require("holdfast/otel");
const { observe } = require("./otel-observe.cjs");

observe({ metrics, connect, observeConnection }, process.env.NATS_URL).then((line) => process.stdout.write(`${line}\n`));

import { metrics } from "@opentelemetry/api";
import { connect } from "holdfast";
import { observeConnection } from "holdfast/otel";
import { observe } from "./otel-observe.cjs";

process.stdout.write(`${await observe({ metrics, connect, observeConnection }, process.env.NATS_URL)}\n`);

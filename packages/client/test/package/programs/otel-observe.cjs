/** Observes a connection on a meter that only notes what it is told, as an SDK would be. Resolves to that, as one line of JSON. */
exports.observe = async ({ metrics, connect, observeConnection }, servers) => {
  const make = (name) => ({ name });
  let callback = () => {};
  const meter = {
    createObservableCounter: make,
    createObservableUpDownCounter: make,
    createObservableGauge: make,
    addBatchObservableCallback: (given) => {
      callback = given;
    },
  };
  // The global one: two copies of the API, one for the program and one for the library, would not know of each other.
  metrics.setGlobalMeterProvider({ getMeter: () => meter });
  const nc = await connect({ servers, timeout: 10_000 });
  observeConnection(nc);
  nc.publish("observed", "hello");
  await nc.close();
  const told = {};
  callback({
    observe: (instrument, value) => {
      told[instrument.name] ??= value;
    },
  });
  return JSON.stringify({ instruments: Object.keys(told).length, confirmed: told["nats.client.buffer.confirmed.messages"] });
};

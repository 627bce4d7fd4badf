/** What any program does, with a module that is handed in: publish, request, drain. Resolves to what was seen, as one line of JSON. */
exports.roundTrip = async ({ connect, createInbox, headers, errors }, servers) => {
  const nc = await connect({ servers, timeout: 10_000 });
  const got = [];
  const sub = nc.subscribe("round.*", {
    callback: (error, msg) => {
      got.push(error === null ? msg.string() : error.message);
      msg.respond(`${msg.string()} to you`, { headers: msg.headers });
    },
  });
  const tagged = headers();
  tagged.set("tag", "blue");
  nc.publish("round.trip", "published");
  const answer = await nc.request("round.trip", "hello", { timeout: 10_000, headers: tagged });
  const nobody = await nc.request(createInbox(), "", { timeout: 10_000 }).catch((error) => error);
  await nc.drain();
  return JSON.stringify({
    got,
    answer: answer.string(),
    tag: answer.headers?.get("tag"),
    noResponders: nobody instanceof errors.RequestError && nobody.isNoResponders(),
    drained: nc.isClosed() && sub.isClosed(),
    // Holdfast's own; the official client has none.
    confirmed: nc.outbound?.counts().confirmed,
  });
};

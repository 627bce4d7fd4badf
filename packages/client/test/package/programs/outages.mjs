/**
 * What Holdfast promises, tried on whatever runs this program: outages of both kinds, a flood that is cut, TLS. The faults are made by the
 * test, asked for by request over a connection of its own. Prints what was seen, as one line of JSON.
 */
import process from "node:process";
import { connect } from "holdfast";

const { NATS_URL, PROXY_URL, TLS_URL, TLS_FIRST_URL, TLS_CA } = process.env;
const timeout = 10_000;
const direct = await connect({ servers: NATS_URL, timeout });
const fault = (name) => direct.request("fault", name, { timeout });

const seen = {};
for (const [name, act] of Object.entries({ cut, hole, flood, tls, tlsFirst })) {
  seen[name] = await act().catch((error) => `${error}`);
}
await direct.drain();
process.stdout.write(`${JSON.stringify(seen)}\n`);

/** The connection is reset and the port closed; what is published meanwhile arrives afterwards, in order. */
function cut() {
  return outage("cut", {});
}

/** Nothing gets through and nobody says so: the client has to find out. */
function hole() {
  return outage("hole", { stallTimeout: 500 });
}

async function outage(kind, options) {
  const nc = await connect({ servers: PROXY_URL, timeout, reconnectTimeWait: 50, ...options });
  const got = await listen("readings");
  const down = event(nc, "disconnect");
  await fault(kind);
  // Without a word to wait for, the client notices a black hole only by what it has sent.
  if (kind === "hole") nc.publish("elsewhere");
  await down;
  const sent = Array.from({ length: 1000 }, (_, i) => `${i}`);
  for (const reading of sent) nc.publish("readings", reading);
  const held = nc.outbound.held.messages;
  await fault("none");
  await nc.flush();
  await got.stop();
  const { confirmed, inDoubt } = nc.outbound.counts();
  await nc.close();
  return { held, inOrder: `${got.payloads}` === `${sent}`, confirmed, inDoubt };
}

/** 20 MB, and every connection is reset behind some 1.3 MB: each message is got or handed back, none twice, none wrongly handed back. */
async function flood() {
  await fault("cut each");
  const back = [];
  const onUndelivered = (batch) => void back.push(...batch.map(({ data, state }) => [numberIn(data), state]));
  const nc = await connect({ servers: PROXY_URL, timeout, reconnectTimeWait: 20, maxInFlight: 1024 * 1024, onUndelivered });
  const got = await listen("flood");
  const all = Array.from({ length: 10_000 }, (_, i) => i);
  const padding = "x".repeat(2000);
  for (const i of all) if (!nc.publish("flood", `${i} ${padding}`)) await nc.outbound.writable();
  await nc.flush().catch(() => {}); // some are in doubt
  await fault("none");
  await nc.close();
  await got.stop();
  const numbers = got.payloads.map(numberIn);
  const once = new Set(numbers);
  const handed = new Map(back);
  const c = nc.outbound.counts();
  const ended = c.confirmed + c.rejected + c.inDoubt + c.dropped + c.expired + c.undeliverable + c.abandoned;
  return {
    lost: all.filter((number) => !once.has(number) && !handed.has(number)).length,
    twice: numbers.length - once.size,
    disorder: numbers.filter((number, i) => i > 0 && number < numbers[i - 1]).length,
    wronglyHandedBack: back.filter(([number, state]) => state !== "inDoubt" && once.has(number)).length,
    states: [...new Set(back.map(([, state]) => state))],
    someInDoubt: c.inDoubt > 0,
    adds: c.accepted === ended + c.inFlight + c.buffered,
  };
}

/** The greeting is in the clear, then both change to TLS. */
function tls() {
  return overTls(TLS_URL, {});
}

/** TLS from the first byte on. */
function tlsFirst() {
  return overTls(TLS_FIRST_URL, { handshakeFirst: true });
}

async function overTls(servers, options) {
  const stranger = await connect({ servers, timeout, tls: options }).then(
    (nc) => nc.close().then(() => "connected"),
    () => "refused",
  );
  const nc = await connect({ servers, timeout, tls: { caFile: TLS_CA, ...options } });
  nc.subscribe("echo", { callback: (_, msg) => void msg.respond(msg.data) });
  const large = new Uint8Array(900_000).fill(7);
  const small = await nc.request("echo", "hello", { timeout });
  const answer = await nc.request("echo", large, { timeout });
  const again = event(nc, "reconnect");
  await nc.reconnect();
  await again;
  const after = await nc.request("echo", "again", { timeout });
  await nc.drain();
  return {
    withoutTheAuthority: stranger,
    answers: [small.string(), answer.data.length, answer.data.every((byte) => byte === 7), after.string()],
    confirmed: nc.outbound.counts().confirmed,
  };
}

async function listen(subject) {
  const payloads = [];
  const sub = direct.subscribe(subject, { callback: (_, msg) => void payloads.push(msg.string()) });
  await direct.flush();
  const stop = async () => {
    // What the server has read before this it has sent before the PONG.
    await direct.flush();
    sub.unsubscribe();
  };
  return { payloads, stop };
}

async function event(nc, wanted) {
  for await (const { type } of nc.status()) if (type === wanted) return;
}

function numberIn(payload) {
  return Number.parseInt(typeof payload === "string" ? payload : new TextDecoder().decode(payload), 10);
}

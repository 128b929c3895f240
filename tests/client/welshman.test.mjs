// @welshman/net: what Coracle speaks with; compares sets both ways (NIP-77).
import "./globals.mjs";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Pool, PublishStatus, SocketStatus, diff, load, makeSocketPolicyAuth, publish, pull, push, request, defaultSocketPolicies } from "@welshman/net";
import { Person, contents, now } from "./people.mjs";
import { Server, until } from "./server.mjs";

const [alice, bob] = [new Person(), new Person()];
const notes = { kinds: [1], authors: [alice.key] };
let server, relays;
globalThis.window = globalThis; // without one it takes the global crypto for the module of that name when it hashes

before(async () => {
  server = await Server.start(alice.key);
  relays = [server.relay];
  defaultSocketPolicies.push(makeSocketPolicyAuth({ sign: async (template) => alice.sign(template.kind, template.content, template.tags) }));
});
after(async () => {
  Pool.get().clear();
  assert.equal(await server.stop(), 0);
});

const send = async (event) => (await publish({ event, relays }))[server.relay];
const query = (...filters) => request({ relays, filters, autoClose: true });

test("publishes a profile, a follow list and posts, and finds them", async () => {
  for (const event of [
    alice.sign(0, '{"name":"alice"}'), alice.sign(3, "", [["p", bob.key]]),
    alice.sign(1, "quack", [["t", "duck"]]), alice.sign(1, "moo", [["t", "cow"]]),
  ]) {
    assert.equal((await send(event)).status, PublishStatus.Success);
  }
  assert.deepEqual(contents(await query(notes)), ["moo", "quack"]);
  assert.deepEqual(contents(await query({ "#t": ["duck"] }, { kinds: [0] })), ["quack", '{"name":"alice"}']);
  assert.deepEqual((await load({ relays, filters: [{ kinds: [3], authors: [alice.key] }] }))[0].tags, [["p", bob.key]]);
  const refused = await send(bob.sign(1, "not here"));
  assert.equal(refused.status, PublishStatus.Failure);
  assert.match(refused.detail, /^restricted: /);
});

test("hears what comes after the stored ones", async () => {
  const heard = [];
  const stop = new AbortController();
  let stored;
  request({ relays, filters: [notes], signal: stop.signal, onEvent: (event) => heard.push(event.content), onEose: () => (stored = heard.length) });
  await until("the stored ones are told", () => stored === 2);
  await send(alice.sign(1, "live"));
  await until("it comes", () => heard[2] === "live");
  stop.abort();
});

test("deletes what it published", async () => {
  const regretted = alice.sign(1, "oops");
  await send(regretted);
  await send(alice.sign(5, "", [["e", regretted.id]]));
  assert.deepEqual(await query({ ids: [regretted.id] }), []);
});

test("finds out what only one side has, fetches and sends it", async () => {
  const made = Array.from({ length: 60 }, (_, i) => alice.sign(1, `${i}`, [["t", "set"]], now() - i));
  const there = made.filter((_, i) => i % 20 !== 3);
  const events = made.filter((_, i) => i % 30 !== 7);
  await Promise.all(there.map(send));
  const sets = { relays, filters: [{ "#t": ["set"] }], events };
  const ids = (list) => list.map((event) => event.id).sort();
  const [{ have, need }] = await diff(sets);
  assert.deepEqual(have.sort(), ids(events.filter((event) => !there.includes(event))));
  assert.deepEqual(need.sort(), ids(there.filter((event) => !events.includes(event))));
  assert.deepEqual(ids(await pull(sets)), need);
  await push(sets);
  assert.equal((await query({ "#t": ["set"] })).length, made.length);
});

test("a protected event is taken once its author has signed in", async () => {
  const event = alice.sign(1, "mine alone", [["-"]]);
  assert.equal((await send(event)).status, PublishStatus.Success);
  assert.deepEqual(contents(await query({ ids: [event.id] })), ["mine alone"]);
});

test("a subscription outlives a restart of the server", async () => {
  const heard = [];
  const stop = new AbortController();
  let stored = false;
  request({ relays, filters: [{ ...notes, since: now() }], signal: stop.signal, onEvent: (event) => heard.push(event.content), onEose: () => (stored = true) });
  await until("it is open", () => stored);
  assert.equal(await server.pause(), 0);
  await server.resume();
  await until("the relay is there again", () => Pool.get().get(server.relay).status === SocketStatus.Open);
  await send(alice.sign(1, "after the restart"));
  await until("it comes", () => heard.includes("after the restart"));
  stop.abort();
});
